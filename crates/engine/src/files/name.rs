//! What a file may be called here, whatever it is called over there. Pure.

/// Longest name, in bytes: leaves room for a number and an ending within what file systems take (255).
const NAME_MAX_BYTES: usize = 180;
/// Longest ending that is kept where a name is cut, in bytes, with its dot.
const ENDING_MAX_BYTES: usize = 20;
/// What Windows takes for a device, whatever ending follows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// A name that stays in its folder, shows what it is, and can be written by every system.
pub(crate) fn safe(offered: &str) -> String {
    let last = offered.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = last.chars().filter(|c| !c.is_control() && !hides(*c));
    let name: String =
        shown.map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c }).collect();
    // Hidden on Unix.
    let name = name.trim_start_matches(|c: char| c == '.' || c.is_whitespace());
    let name = cut(name);
    match name.as_str() {
        "" => "file".to_owned(),
        device if is_device(device) => cut(&format!("_{device}")),
        _ => name,
    }
}

/// The name with a number, for when there is such a file already: `report (1).pdf`.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    if number == 0 {
        return name.to_owned();
    }
    let (stem, ending) = split(name);
    format!("{stem} ({number}){ending}")
}

/// Characters that turn a text round or cannot be seen: `gpj.exe` must not look like `exe.jpg`.
fn hides(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let numbered = port.is_some_and(|number| {
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    });
    numbered || DEVICES.contains(&stem.as_str())
}

/// The name's stem, and its ending with the dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= ENDING_MAX_BYTES => name.split_at(dot),
        _ => (name, ""),
    }
}

fn cut(name: &str) -> String {
    let name = trimmed(name);
    if name.len() <= NAME_MAX_BYTES {
        return name.to_owned();
    }
    let (stem, ending) = split(name);
    let mut end = stem.len().min(NAME_MAX_BYTES - ending.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", trimmed(&stem[..end]))
}

/// Without what Windows takes off the end by itself.
fn trimmed(name: &str) -> &str {
    name.trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_stays_in_its_folder_and_shows_what_it_is() {
        for (offered, expected) in [
            ("report.pdf", "report.pdf"),
            ("보고서 (최종).hwp", "보고서 (최종).hwp"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\evil.dll", "evil.dll"),
            ("a\0b\n\tc", "abc"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("what?<is>:this*|\"", "what__is__this___"),
            (".bashrc", "bashrc"),
            ("...", "file"),
            ("", "file"),
            ("/", "file"),
            ("end. . ", "end"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1 .log", "_com1 .log"),
            ("LPT³", "_LPT³"),
            ("console.log", "console.log"),
            ("com10", "com10"),
        ] {
            assert_eq!(safe(offered), expected, "{offered:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_before_its_ending_and_between_characters() {
        let name = safe(&format!("{}.tar.gz", "한".repeat(300)));
        assert!(name.len() <= NAME_MAX_BYTES && name.ends_with("한.gz"), "{name}");
        let no_ending = safe(&format!("a.{}", "b".repeat(300)));
        assert_eq!(no_ending.len(), NAME_MAX_BYTES);
    }

    #[test]
    fn a_number_goes_before_the_ending() {
        assert_eq!(numbered("report.pdf", 0), "report.pdf");
        assert_eq!(numbered("report.pdf", 2), "report (2).pdf");
        assert_eq!(numbered("README", 1), "README (1)");
    }

    proptest! {
        #[test]
        fn whatever_is_offered_becomes_one_safe_name(offered: String) {
            let name = safe(&offered);
            prop_assert!(!name.is_empty() && name.len() <= NAME_MAX_BYTES + 1);
            prop_assert!(!name.starts_with('.') && !name.contains(['/', '\\', '\0', ':']));
            prop_assert_eq!(safe(&name), name);
        }
    }
}
