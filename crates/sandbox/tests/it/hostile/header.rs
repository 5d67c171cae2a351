//! What a program's header demands, read strictly.

use std::time::Duration;

use sandbox::{Declared, FailureKind, Limits, Secrets};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A program with its header.
pub(super) struct Program {
    pub(super) source: String,
    pub(super) must: Must,
    /// How an inspection that executes its module level ends; without it there is none.
    pub(super) inspected: Option<Must>,
    /// What that inspection has to say of its capabilities.
    pub(super) declares: Option<Declared>,
    pub(super) arguments: String,
    pub(super) secrets: Secrets,
    pub(super) limits: Limits,
    pub(super) repeat: usize,
    /// Standard output has to contain this.
    pub(super) prints: Option<String>,
}

/// How a call has to end.
#[derive(Debug)]
pub(super) enum Must {
    /// With one of these failures, and this text in its message.
    Refused(Vec<FailureKind>, String),
    /// With this result.
    Returns(Value),
    /// In any way that is the guest's own.
    Contained,
}

impl Must {
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Returns(_))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (word, rest) {
            ("contained", "") => Ok(Self::Contained),
            ("returns", json) => {
                serde_json::from_str(json).map(Self::Returns).map_err(|error| error.to_string())
            }
            ("refused", rest) => {
                let (kinds, text) = rest.split_once(' ').unwrap_or((rest, ""));
                let kinds = kinds.split('|').map(kind).collect::<Result<_, _>>()?;
                Ok(Self::Refused(kinds, text.to_owned()))
            }
            _ => Err(format!("'{text}' is none of contained, returns JSON, refused KIND TEXT")),
        }
    }
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn kind(name: &str) -> Result<FailureKind, String> {
    serde_json::from_value(Value::String(name.to_owned())).map_err(|error| error.to_string())
}

impl Program {
    /// Reads the lines `# key: value` that a source begins with.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let (mut tries, mut must) = (None, None);
        let mut program = Self {
            source: source.to_owned(),
            must: Must::Contained,
            inspected: None,
            declares: None,
            arguments: "{}".to_owned(),
            secrets: Secrets::default(),
            limits: Limits { wall: Duration::from_mins(1), ..Limits::default() },
            repeat: 1,
            prints: None,
        };
        for line in source.lines().take_while(|line| line.starts_with("# ")) {
            let entry = line.trim_start_matches("# ").split_once(": ");
            let (key, value) = entry.ok_or_else(|| format!("'{line}' is not '# key: value'"))?;
            match key {
                "tries" if value.ends_with('.') => tries = Some(value),
                "must" => must = Some(Must::parse(value)?),
                "inspected" => program.inspected = Some(Must::parse(value)?),
                "arguments" => value.clone_into(&mut program.arguments),
                "secrets" => program.secrets.values = read(value)?,
                "refusals" => program.secrets.refusals = read(value)?,
                "learning" => program.secrets.learning = read(value)?,
                "declares" => program.declares = Some(read(value)?),
                "limits" => limits(&mut program.limits, value)?,
                "repeat" => program.repeat = number(value)?,
                "prints" => program.prints = Some(value.to_owned()),
                _ => return Err(format!("'{key}: {value}' is unknown or badly formed")),
            }
        }
        tries.ok_or("it does not say what it tries, in a sentence")?;
        if program.declares.is_some() && program.inspected.is_none() {
            return Err("what it declares is told by an inspection".to_owned());
        }
        program.must = must.ok_or("it does not say what must happen")?;
        Ok(program)
    }
}

fn limits(limits: &mut Limits, text: &str) -> Result<(), String> {
    for part in text.split(' ') {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("'{part}' has no value"))?;
        match name {
            "cpu" => limits.cpu = duration(value)?,
            "wall" => limits.wall = duration(value)?,
            "memory" => limits.memory_bytes = size(value)?,
            "stdout" => limits.stdout_bytes = size(value)?,
            "result" => limits.result_bytes = size(value)?,
            _ => return Err(format!("there is no limit '{name}'")),
        }
    }
    Ok(())
}

fn duration(text: &str) -> Result<Duration, String> {
    let value = text.strip_suffix("ms").ok_or_else(|| format!("'{text}' is not in ms"))?;
    u64::try_from(number(value)?).map(Duration::from_millis).map_err(|error| error.to_string())
}

fn size(text: &str) -> Result<usize, String> {
    match (text.strip_suffix("MB"), text.strip_suffix("KB")) {
        (Some(megabytes), _) => number(megabytes).map(|number| number << 20),
        (_, Some(kilobytes)) => number(kilobytes).map(|number| number << 10),
        _ => Err(format!("'{text}' is in neither MB nor KB")),
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|error| format!("'{text}': {error}"))
}

#[test]
fn headers_are_read_strictly() {
    let good =
        "# tries: This.\n# must: refused cpu|memory too much\n# limits: cpu=5ms memory=1MB\n";
    let program = Program::parse(good).expect("it is sound");
    assert_eq!(program.limits.cpu, Duration::from_millis(5));
    let Must::Refused(kinds, text) = program.must else { panic!("{:?}", program.must) };
    assert_eq!((kinds.len(), text.as_str()), (2, "too much"));
    for bad in [
        "",
        "# tries: This.\n",
        "# must: contained\n",
        "# tries: This.\n# must: refused nothing_known\n",
        "# tries: This.\n# must: returns {\n",
        "# tries: This.\n# must: contained in part\n",
        "# tries: This.\n# must: contained\n# unknown: 1\n",
        "# tries: This.\n# must: contained\n# limits: cpu=5\n",
        "# tries: This.\n# must: contained\n# a remark\n",
        "# tries: This.\n# must: contained\n# secrets: {\"KEY\": 1}\n",
        "# tries: This.\n# must: contained\n# declares: {}\n",
    ] {
        assert!(Program::parse(bad).is_err(), "{bad}");
    }
}
