//! Takes the values of secrets out of everything that a call says, before anybody reads it.

use sandbox::{Block, Failure, Media, Outcome};

use super::Report;
use super::delivery::{ANSWER_MAX, Content};
use crate::redact::Redactor;

/// The outcome without the values of secrets, wherever they stand in it.
pub(super) fn redacted(outcome: Outcome, redactor: &Redactor) -> Outcome {
    if redactor.is_idle() {
        return outcome;
    }
    let failure = |failure: Failure| Failure {
        message: redactor.cut_text(failure.message),
        detail: failure.detail.map(|detail| redactor.cut_json(detail)),
        ..failure
    };
    let block = |block| match block {
        Block::Text(text) => Block::Text(redactor.json_text(text, ANSWER_MAX)),
        Block::Media(media) => redacted_media(media, redactor),
    };
    Outcome {
        result: outcome.result.map(|text| redactor.json_text(text, ANSWER_MAX)).map_err(failure),
        blocks: outcome.blocks.into_iter().map(block).collect(),
        stdout: if outcome.stdout_truncated {
            redactor.cut_text(outcome.stdout)
        } else {
            redactor.text(outcome.stdout)
        },
        ..outcome
    }
}

/// A result as the tool returned it, for an installation that does not want it mended in answers.
pub(super) struct Plain {
    result: String,
    blocks: Vec<Block>,
}

impl Plain {
    /// Nothing where the result is to be mended, or where there is nothing in it to mend.
    pub(super) fn of(outcome: &Outcome, redactor: &Redactor, redact: bool) -> Option<Self> {
        if redact || redactor.is_idle() {
            return None;
        }
        let result = outcome.result.as_ref().ok()?.clone();
        Some(Self { result, blocks: outcome.blocks.clone() })
    }

    /// Puts it in the place of the mended one. What is kept beside the answer stays mended.
    pub(super) fn shown_in(self, mut report: Report) -> Report {
        if report.outcome.is_err() || report.is_kept || self.result.len() > ANSWER_MAX {
            return report;
        }
        report.outcome = Ok(self.result);
        for (shown, block) in report.content.iter_mut().zip(self.blocks) {
            match (&shown, block) {
                (Content::Kept(_), _) => {}
                (_, Block::Text(text)) => *shown = Content::Text(text),
                (_, Block::Media(media)) => *shown = Content::Media(media),
            }
        }
        report
    }
}

/// A text is mended; other data would be damaged by that, and is left out.
fn redacted_media(media: Media, redactor: &Redactor) -> Block {
    let name = media.name.map(|name| redactor.text(name));
    let mime_type = if redactor.found_in(media.mime_type.as_bytes()) {
        "application/octet-stream".to_owned()
    } else {
        media.mime_type
    };
    let data = match String::from_utf8(media.data) {
        Ok(text) => redactor.text(text).into_bytes(),
        Err(error) if redactor.found_in(error.as_bytes()) => {
            let text = "(an attachment is left out here: the value of a secret stands in it)";
            return Block::Text(text.to_owned());
        }
        Err(error) => error.into_bytes(),
    };
    Block::Media(Media { kind: media.kind, mime_type, name, data })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sandbox::{FailureKind, MediaKind};
    use serde_json::json;

    use super::*;
    use crate::redact::Secrets;

    const VALUE: &str = "s3cr\"et-value";

    fn redactor() -> Redactor {
        let mut secrets = Secrets::default();
        secrets.insert("KEY".to_owned(), VALUE.into());
        Redactor::new(&secrets)
    }

    fn outcome(result: Result<String, Failure>, blocks: Vec<Block>) -> Outcome {
        Outcome {
            result,
            blocks,
            is_error: false,
            stdout: format!("printed {VALUE}\n"),
            stdout_truncated: false,
            wall: Duration::ZERO,
            used: sandbox::Used::default(),
        }
    }

    fn file(data: &[u8]) -> Block {
        Block::Media(Media {
            kind: MediaKind::File,
            mime_type: format!("application/{VALUE}"),
            name: Some(format!("{VALUE}.txt")),
            data: data.to_vec(),
        })
    }

    #[test]
    fn every_part_of_a_result_is_searched() {
        let text = json!({ VALUE: [VALUE, 1.50] }).to_string();
        let told = format!("the file says {VALUE}");
        let data = [&[0xFF], VALUE.as_bytes()].concat();
        let blocks =
            vec![Block::Text(text.clone()), file(told.as_bytes()), file(&data), file(&[0xFF])];
        let found = redacted(outcome(Ok(text), blocks), &redactor());
        let expected = r#"{"[secret KEY]":["[secret KEY]",1.5]}"#.to_owned();
        assert_eq!(found.result, Ok(expected.clone()));
        assert_eq!(found.stdout, "printed [secret KEY]\n");
        assert_eq!(found.blocks.first(), Some(&Block::Text(expected)));
        let whole = format!("{found:?}");
        assert!(!whole.contains("et-value") && whole.contains("is left out here"), "{whole}");
        let names = found.blocks.iter().filter(|block| match block {
            Block::Media(media) => media.name.as_deref() == Some("[secret KEY].txt"),
            Block::Text(_) => false,
        });
        assert_eq!(names.count(), 2);
        assert!(matches!(found.blocks.last(), Some(Block::Media(media)) if media.data == [0xFF]));
    }

    #[test]
    fn every_part_of_an_error_is_searched() {
        let failure = Failure {
            kind: FailureKind::Exception,
            message: format!("ValueError: {VALUE}"),
            detail: Some(
                json!({"context": [format!("> 1 | x = {VALUE:?}")], "http": {"body": VALUE}}),
            ),
        };
        let found = redacted(outcome(Err(failure), Vec::new()), &redactor());
        let failure = found.result.expect_err("it failed");
        assert_eq!(failure.message, "ValueError: [secret KEY]");
        let whole = failure.detail.expect("a detail").to_string();
        assert!(!whole.contains("et-value") && whole.contains("x = \\\"[secret KEY]"), "{whole}");
    }

    #[test]
    fn a_result_is_shown_as_it_is_where_that_is_wanted_and_fits() {
        let text = json!({ "key": VALUE }).to_string();
        let blocks = vec![Block::Text(text.clone()), Block::Text(text.clone())];
        let whole = outcome(Ok(text.clone()), blocks);
        assert!(Plain::of(&whole, &redactor(), true).is_none());
        assert!(Plain::of(&whole, &Redactor::new(&Secrets::default()), false).is_none());
        let failure =
            Failure { kind: FailureKind::Exception, message: VALUE.to_owned(), detail: None };
        assert!(Plain::of(&outcome(Err(failure), vec![]), &redactor(), false).is_none());

        let shown = |is_kept: bool| {
            let plain = Plain::of(&whole, &redactor(), false).expect("it holds a value");
            plain.shown_in(Report {
                call_id: uuid::Uuid::nil(),
                tool_name: "a__b".to_owned(),
                outcome: Ok("{}".to_owned()),
                passed: None,
                content: vec![Content::Text("mended".to_owned()), Content::Text(String::new())],
                is_kept,
                is_error: false,
                has_output_schema: false,
                stdout: "[secret KEY]".to_owned(),
                stdout_truncated: false,
                memory_bytes: 0,
                duration: Duration::ZERO,
                needs: Vec::new(),
            })
        };
        let report = shown(false);
        assert_eq!(report.outcome, Ok(text.clone()));
        assert!(
            report
                .content
                .iter()
                .all(|part| matches!(part, Content::Text(shown) if *shown == text))
        );
        assert_eq!(report.stdout, "[secret KEY]");
        assert_eq!(shown(true).outcome, Ok("{}".to_owned()), "what is kept stays mended");
    }

    #[test]
    fn without_secrets_everything_stays() {
        let idle = Redactor::new(&Secrets::default());
        let found = redacted(outcome(Ok("{\"a\":  1}".to_owned()), vec![file(b"x")]), &idle);
        assert_eq!(found.result, Ok("{\"a\":  1}".to_owned()));
        assert_eq!((found.stdout, found.blocks), (format!("printed {VALUE}\n"), vec![file(b"x")]));
    }
}
