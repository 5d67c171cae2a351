//! What is known of certain servers, held against what is written of them: reasons to warn, never to refuse.

use url::Url;

use crate::external_sources::OauthSettings;

/// Where Box documents that tokens are given and taken back.
const BOX_TOKENS: &str = "https://api.box.com/oauth2/token";
const BOX_REVOCATION: &str = "https://api.box.com/oauth2/revoke";

/// Scopes that guides to Box name and Box does not have, and what it has instead.
const NO_BOX_SCOPES: [(&str, &str); 2] = [
    ("manage_enterprise", "`manage_enterprise_properties` is the one for an enterprise's settings"),
    ("manage_data_classification", "classifying a file needs `root_readwrite`"),
];

/// What looks wrong about the settings of a source.
pub(super) fn warnings(settings: &OauthSettings) -> Vec<String> {
    let mut warnings = Vec::new();
    let urls = [&settings.authorization_url, &settings.token_url, &settings.revoke_url];
    if !urls.into_iter().flatten().any(|url| is_box(url)) {
        return warnings;
    }
    for (field, written, documented) in [
        ("token_url", &settings.token_url, BOX_TOKENS),
        ("revoke_url", &settings.revoke_url, BOX_REVOCATION),
    ] {
        if written.as_deref().is_some_and(|url| is_box(url) && url != documented) {
            warnings.push(format!("{field} is used as written; Box documents {documented}"));
        }
    }
    for (scope, instead) in NO_BOX_SCOPES {
        if settings.scopes.iter().any(|asked| asked == scope) {
            warnings.push(format!("scope `{scope}` is asked for as written; Box documents no such scope, and {instead}"));
        }
    }
    warnings
}

fn is_box(url: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host == "box.com" || host.ends_with(".box.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(token_url: &str, scope: &str) -> OauthSettings {
        OauthSettings {
            token_url: Some(token_url.to_owned()),
            scopes: vec![scope.to_owned()],
            ..OauthSettings::default()
        }
    }

    #[test]
    fn what_box_documents_otherwise_is_told_and_what_it_documents_is_not() {
        let of_a_guide = settings("https://account.box.com/api/oauth2/token", "manage_enterprise");
        let told = warnings(&of_a_guide).join("\n");
        assert!(told.contains(BOX_TOKENS) && told.contains("manage_enterprise"), "{told}");
        assert_eq!(warnings(&settings(BOX_TOKENS, "root_readwrite")), [""; 0]);
        // Others have what Box has not.
        assert_eq!(warnings(&settings("https://notbox.com/token", "manage_enterprise")), [""; 0]);
    }
}
