//! What workers are provided with: the compiled guest on disk, the image of its memory, the recipes to reset it.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use crate::artifact::{Artifact, ArtifactError};
use crate::bundle::{self, Part};
use crate::memory::{Image, MemoryError, MemoryReset, Probe, Recipe};

/// Why workers cannot be provided for.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The guest could not be unpacked.
    #[error("the Python guest could not be unpacked")]
    Artifact(#[from] ArtifactError),
    /// The memory image could not be made.
    #[error("the image of the guest's memory could not be made")]
    Image(#[from] MemoryError),
    /// No recipe that the settings allow works here.
    #[error(
        "memory cannot be reset in the way that --memory-reset asks for ({0}); try --memory-reset auto"
    )]
    NoRecipe(String),
    /// The thread that did the work ended early.
    #[error("providing for the workers was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Made once per sandbox, then given to each worker.
#[derive(Clone)]
pub(crate) struct Provision {
    code: Artifact,
    /// Nothing where the recipe is [`Recipe::Pool`].
    image: Option<Arc<Image>>,
    recipes: Vec<Recipe>,
    /// What tells this guest from others.
    guest: String,
}

impl Provision {
    /// Finds out which recipes work here and unpacks what they need into `folder`.
    pub(crate) async fn prepare(
        bundle: &'static [u8],
        folder: PathBuf,
        reset: MemoryReset,
    ) -> Result<Self, ProvisionError> {
        tokio::task::spawn_blocking(move || Self::prepare_now(bundle, folder, reset)).await?
    }

    fn prepare_now(
        bundle: &'static [u8],
        folder: PathBuf,
        reset: MemoryReset,
    ) -> Result<Self, ProvisionError> {
        let guest = bundle::identity(bundle).map_err(ArtifactError::from)?;
        let allowed = reset.recipes();
        let probe = Probe::first_of(&allowed);
        if probe.recipe() == Recipe::Pool {
            if !allowed.contains(&Recipe::Pool) {
                let reasons =
                    probe.skipped().iter().map(|(recipe, why)| format!("{recipe}: {why}"));
                return Err(ProvisionError::NoRecipe(reasons.collect::<Vec<_>>().join("; ")));
            }
            let code = Artifact::new(bundle, Part::Pooled, folder)?.unpacked()?;
            return Ok(Self { code, image: None, recipes: allowed, guest });
        }
        let code = Artifact::new(bundle, Part::Code, folder.clone())?.unpacked()?;
        let image = Artifact::new(bundle, Part::Image, folder)?.unpacked()?;
        let image = Some(Arc::new(Image::from_path(&image.path())?));
        // A worker has the image or the pool's code, not both.
        let recipes = allowed.into_iter().filter(|recipe| *recipe != Recipe::Pool).collect();
        Ok(Self { code, image, recipes, guest })
    }

    /// The folder that workers run in.
    pub(crate) fn folder(&self) -> PathBuf {
        self.code.folder().to_owned()
    }

    /// The name of the compiled guest's file in that folder.
    pub(crate) fn code(&self) -> String {
        self.code.file_name()
    }

    /// What the memory of every call begins with; nothing for the pool's code, which has it within.
    pub(crate) fn memory_image(&self) -> Option<Arc<Image>> {
        self.image.clone()
    }

    /// Tells apart guests, and whether their memory can be recorded. Plain ASCII, without dots.
    pub(crate) fn identity(&self) -> String {
        let form = if self.image.is_some() { "snapshot" } else { "archive" };
        format!("{form}-{}", self.guest)
    }

    /// What a worker may do to reset memory, in the order to try.
    pub(crate) fn recipes(&self) -> Vec<Recipe> {
        self.recipes.clone()
    }

    /// A descriptor of the memory image for one more worker.
    pub(crate) fn image(&self) -> std::io::Result<Option<OwnedFd>> {
        self.image.as_ref().map(|image| image.as_fd().try_clone_to_owned()).transpose()
    }

    /// Sees to it that the compiled guest is still on disk; cheap where it is.
    pub(crate) async fn restore(&self) -> Result<(), ArtifactError> {
        if !self.code.is_present() {
            let code = self.code.clone();
            tokio::task::spawn_blocking(move || code.unpacked()).await??;
        }
        Ok(())
    }
}
