//! Indentation, so that a program that fails can be read.

/// Indents each line by the braces that are open before it.
pub(crate) fn indent(source: &str) -> String {
    let mut depth = 0_usize;
    let mut out = String::new();
    for line in source.lines() {
        let closing = line.chars().take_while(|c| "})".contains(*c)).filter(|c| *c == '}').count();
        let indentation = "    ".repeat(depth.saturating_sub(closing));
        out += &format!("{indentation}{line}\n");
        let opened = line.matches('{').count();
        let closed = line.matches('}').count();
        depth = (depth + opened).saturating_sub(closed);
    }
    out
}
