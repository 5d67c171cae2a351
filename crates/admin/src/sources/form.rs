//! The form that adds a source, or changes one.

use std::collections::BTreeMap;

use app::external_sources::{
    self as sources, AuthType, ExternalSource, OauthGrant, OauthSettings, Transport, command_of,
    oauth, settings_of,
};
use app::identity::{Admin, Who};
use app::{App, servers};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use super::given::Given;
use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id};
use crate::session::SignedIn;
use crate::view::{self, Frame};

/// What stands in the fields.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Form {
    name: String,
    description: String,
    transport: String,
    url: String,
    command: String,
    /// One in each line.
    args: String,
    /// `NAME=value` in each line.
    env: String,
    cwd: String,
    auth_type: String,
    secret: String,
    header: String,
    grant: String,
    client_id: String,
    /// Never shown again.
    client_secret: String,
    /// With spaces between.
    scopes: String,
    issuer: String,
    authorization_url: String,
    token_url: String,
    revoke_url: String,
    redirect_uri: String,
}

#[derive(Template)]
#[template(path = "sources/form.html")]
struct FormPage {
    frame: Frame,
    server_id: Uuid,
    server_name: String,
    /// The one that is changed.
    source: Option<ExternalSource>,
    form: Form,
    /// Why it was not saved.
    problem: String,
}

impl Form {
    fn of(source: &ExternalSource) -> Self {
        let command = command_of(source).unwrap_or_default();
        let settings = settings_of(source);
        let pairs = command.env.iter().map(|(name, value)| format!("{name}={value}"));
        Self {
            name: source.name.clone(),
            description: source.description.clone(),
            transport: source.transport.to_string(),
            url: source.url.clone().unwrap_or_default(),
            command: command.command,
            args: command.args.join("\n"),
            env: pairs.collect::<Vec<_>>().join("\n"),
            cwd: command.cwd.unwrap_or_default(),
            auth_type: source.auth_type.to_string(),
            secret: source.auth_secret_name.clone().unwrap_or_default(),
            header: source.auth_header_name.clone().unwrap_or_default(),
            grant: match settings.grant {
                OauthGrant::AuthorizationCode => "authorization_code".to_owned(),
                OauthGrant::ClientCredentials => "client_credentials".to_owned(),
            },
            client_id: settings.client_id.unwrap_or_default(),
            client_secret: String::new(),
            scopes: settings.scopes.join(" "),
            issuer: settings.issuer.unwrap_or_default(),
            authorization_url: settings.authorization_url.unwrap_or_default(),
            token_url: settings.token_url.unwrap_or_default(),
            revoke_url: settings.revoke_url.unwrap_or_default(),
            redirect_uri: settings.redirect_uri.unwrap_or_default(),
        }
    }

    /// What the fields that belong to the chosen transport and credentials say.
    fn given(&self, before: Option<&ExternalSource>) -> Result<Given, Problem> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let is_process = self.transport == Transport::Stdio.to_string();
        let auth_type =
            if is_process { AuthType::None.to_string() } else { self.auth_type.clone() };
        let has = |kinds: &[AuthType]| kinds.iter().any(|kind| kind.to_string() == auth_type);
        let has_secret = has(&[AuthType::Bearer, AuthType::Header]);
        let mut given = Given {
            name: Some(self.name.trim().to_owned()),
            description: Some(self.description.replace("\r\n", "\n")),
            transport_type: text(&self.transport),
            auth_secret_name: text(&self.secret).filter(|_| has_secret),
            auth_header_name: text(&self.header).filter(|_| has(&[AuthType::Header])),
            oauth: has(&[AuthType::Oauth]).then(|| self.settings(before)),
            ..Given::default()
        };
        if is_process {
            given.command = Some(self.command.trim().to_owned());
            given.args = Some(lines(&self.args).map(str::to_owned).collect());
            given.env = Some(self.environment()?);
            given.cwd = Some(self.cwd.trim().to_owned());
        } else {
            given.url = Some(self.url.trim().to_owned());
        }
        given.auth_type = text(&auth_type);
        Ok(given)
    }

    /// What is set for OAuth; what the form does not show stays as it was.
    fn settings(&self, before: Option<&ExternalSource>) -> OauthSettings {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        OauthSettings {
            grant: match self.grant.as_str() {
                "client_credentials" => OauthGrant::ClientCredentials,
                _ => OauthGrant::AuthorizationCode,
            },
            client_id: text(&self.client_id),
            issuer: text(&self.issuer),
            authorization_url: text(&self.authorization_url),
            token_url: text(&self.token_url),
            revoke_url: text(&self.revoke_url),
            scopes: self.scopes.split_whitespace().map(str::to_owned).collect(),
            redirect_uri: text(&self.redirect_uri),
            ..before.map(settings_of).unwrap_or_default()
        }
    }

    fn environment(&self) -> Result<BTreeMap<String, String>, Problem> {
        let pairs = lines(&self.env).map(|line| {
            let pair = line.split_once('=').filter(|(name, _)| !name.trim().is_empty());
            let (name, value) = pair.ok_or_else(|| {
                Problem::invalid("env", "expected NAME=value, or NAME=secret:KEY, in each line")
            })?;
            Ok((name.trim().to_owned(), value.to_owned()))
        });
        pairs.collect()
    }

    fn is(&self, transport: &str) -> bool {
        self.transport == transport || (self.transport.is_empty() && transport == "streamable_http")
    }

    fn has(&self, auth_type: &str) -> bool {
        self.auth_type == auth_type || (self.auth_type.is_empty() && auth_type == "none")
    }
}

/// The lines that are not empty; browsers end them as HTTP does.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.trim_end_matches('\r')).filter(|line| !line.trim().is_empty())
}

impl FormPage {
    async fn new(
        app: &App,
        admin: &Admin,
        server_id: Uuid,
        (source, form): (Option<ExternalSource>, Form),
        problem: String,
    ) -> Result<Self, Problem> {
        Ok(Self {
            frame: Frame::load(app, admin, "/servers").await?,
            server_id,
            server_name: servers::get(app, server_id).await?.server.name,
            source,
            form: Form { client_secret: String::new(), ..form },
            problem,
        })
    }
}

/// GET /servers/{id}/sources/add
pub(crate) async fn add_form(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(server_id): Id,
) -> Answer {
    let empty = (None, Form::default());
    view::page(&FormPage::new(&app, &admin, server_id, empty, String::new()).await?)
}

/// POST /servers/{id}/sources/add
pub(crate) async fn add(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(server_id): Id,
    Fields(form): Fields<Form>,
) -> Answer {
    let added = async {
        let wish = form.given(None)?.wish(None)?;
        let source = sources::add(&app, &Who::from(admin.clone()), server_id, &wish).await?;
        Ok::<_, Problem>(source.id)
    };
    match added.await {
        Ok(id) => {
            keep_secret(&app, &admin, id, &form).await?;
            Ok(Redirect::to(&format!("/sources/{id}")).into_response())
        }
        Err(problem) => again(&app, &admin, server_id, (None, form), problem).await,
    }
}

/// GET /sources/{id}/edit
pub(crate) async fn edit_form(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    let source = sources::get(&app, id).await?.source;
    let (server_id, form) = (source.server_id, Form::of(&source));
    view::page(&FormPage::new(&app, &admin, server_id, (Some(source), form), String::new()).await?)
}

/// POST /sources/{id}/edit
pub(crate) async fn edit(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Form>,
) -> Answer {
    let before = sources::get(&app, id).await?.source;
    let changed = async {
        let wish = form.given(Some(&before))?.wish(None)?;
        sources::update(&app, &admin, id, &wish).await?;
        Ok::<_, Problem>(())
    };
    match changed.await {
        Ok(()) => {
            keep_secret(&app, &admin, id, &form).await?;
            Ok(Redirect::to(&format!("/sources/{id}")).into_response())
        }
        Err(problem) => {
            let server_id = before.server_id;
            again(&app, &admin, server_id, (Some(before), form), problem).await
        }
    }
}

/// Seals the secret that was typed; an empty field leaves what there is.
async fn keep_secret(app: &App, admin: &Admin, id: Uuid, form: &Form) -> Result<(), Problem> {
    let secret = form.client_secret.trim();
    if secret.is_empty() || form.auth_type != AuthType::Oauth.to_string() {
        return Ok(());
    }
    Ok(oauth::set_client_secret(app, admin, id, Some(secret.into())).await?)
}

/// The form with what was typed and what is wrong with it; secrets are typed anew.
async fn again(
    app: &App,
    admin: &Admin,
    server_id: Uuid,
    typed: (Option<ExternalSource>, Form),
    problem: Problem,
) -> Answer {
    if !problem.status().is_client_error() || problem.status() == StatusCode::NOT_FOUND {
        return Err(problem);
    }
    let said = problem.detail().to_owned();
    let page = FormPage::new(app, admin, server_id, typed, said).await?;
    Ok((problem.status(), view::page(&page)?).into_response())
}

#[cfg(test)]
mod tests {
    use app::external_sources::{Auth, Wish};

    use super::*;
    use crate::sources::tests::source;

    fn wish(form: &Form) -> Result<Wish, Problem> {
        form.given(None)?.wish(None)
    }

    #[test]
    fn what_stands_in_the_form_is_the_source() {
        let source = source();
        let wish = wish(&Form::of(&source)).unwrap();
        assert_eq!((&wish.name, &wish.url), (&source.name, &source.url));
        assert_eq!(wish.auth, Auth::Bearer { secret: "API_KEY".to_owned() });
        assert_eq!(wish.command, None);
    }

    #[test]
    fn only_the_fields_of_what_was_chosen_count() {
        let form = Form {
            name: "files".to_owned(),
            transport: "stdio".to_owned(),
            url: "https://left.example".to_owned(),
            command: "python3".to_owned(),
            args: "-m\r\n\r\nserver\r\n".to_owned(),
            env: "KEY=secret:API_KEY\r\nA=b=c\r\n".to_owned(),
            auth_type: "bearer".to_owned(),
            secret: "LEFT".to_owned(),
            ..Form::default()
        };
        let made = wish(&form).unwrap();
        assert_eq!((made.url, made.auth), (None, Auth::None));
        let command = made.command.unwrap();
        assert_eq!(command.args, ["-m", "server"]);
        assert_eq!(command.env["KEY"], "secret:API_KEY");
        assert_eq!(command.env["A"], "b=c");
        let wrong = Form { env: "nothing".to_owned(), ..form };
        assert!(wish(&wrong).unwrap_err().detail().contains("NAME=value"));
    }

    #[test]
    fn the_form_keeps_what_was_typed_and_no_secret() {
        let form = Form {
            auth_type: "oauth".to_owned(),
            client_id: "a<b".to_owned(),
            scopes: "files.read  files.write".to_owned(),
            ..Form::default()
        };
        let settings = form.settings(None);
        assert_eq!(settings.scopes, ["files.read", "files.write"]);
        let page = FormPage {
            frame: Frame::sample("/servers"),
            server_id: Uuid::nil(),
            server_name: "box".to_owned(),
            source: None,
            form,
            problem: "url: <wrong>".to_owned(),
        };
        let html = page.render().unwrap();
        view::sample("source-form", &html);
        for part in ["value=\"a&#60;b\"", "url: &#60;wrong&#62;", "value=\"oauth\" selected"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
