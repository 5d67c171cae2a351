//! Looking for a part of a text, in upper or lower case, in both databases alike.

use sea_orm::{
    Condition,
    sea_query::{Expr, ExprTrait, Func, LikeExpr},
};

/// Whether a column's text has the part in it, whatever the case of its letters.
pub(crate) fn contains(column: Expr, part: &str) -> Expr {
    let pattern = format!("%{}%", escaped(&storable(part.to_lowercase())));
    Expr::from(Func::lower(column)).like(LikeExpr::new(pattern).escape('!'))
}

/// Whether the text of one of these columns has the part in it.
pub(crate) fn contains_any(columns: impl IntoIterator<Item = Expr>, part: &str) -> Condition {
    let places = columns.into_iter().map(|column| contains(column, part));
    places.fold(Condition::any(), Condition::add)
}

/// The text with what `LIKE` gives a meaning made literal. The escape character is not the
/// backslash, which the two databases quote differently.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '!' | '%' | '_') {
            escaped.push('!');
        }
        escaped.push(character);
    }
    escaped
}

/// A tool can print a null character, which PostgreSQL cannot hold: it is kept as its symbol.
pub(crate) fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn wildcards_are_searched_for_as_they_are() {
        assert_eq!(escaped("weather"), "weather");
        assert_eq!(escaped("100%_sure!"), "100!%!_sure!!");
    }
}
