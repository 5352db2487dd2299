//! The source of the Windows installer, `src-tauri/bundle/windows/maru.wxs`, with what only this program knows.
//! What Tauri's bundler knows stays in double braces.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::workspace::{root, target_dir};

const SOURCE: &str = "src-tauri/bundle/windows/maru.wxs";

/// The source with `licences` in it, a path, and with more files beside the program, by their names.
pub fn source(licences: &str, more: &[String]) -> Result<String> {
    let file = root().join(SOURCE);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let components: String = more.iter().enumerate().map(|(index, name)| component(index, name)).collect();
    let references: String =
        (0..more.len()).map(|index| format!("<ComponentRef Id=\"More{index}\" />")).collect();
    Ok(text
        .replace("@LICENCES@", licences)
        .replace("<!-- @COMPONENTS@ -->", &components)
        .replace("<!-- @REFERENCES@ -->", &references))
}

/// Tauri's template for the installer; returns where it is.
pub fn template(licences: &str) -> Result<PathBuf> {
    let place = target_dir()?.join("maru.wxs");
    fs::write(&place, source(licences, &[])?).with_context(|| format!("cannot write {}", place.display()))?;
    Ok(place)
}

fn component(index: usize, name: &str) -> String {
    // Only for trials: nobody updates these, so their ids need not last beyond their places.
    format!(
        r#"<Component Id="More{index}" Guid="5a0f2c1e-0000-4000-8000-{index:012x}" Win64="yes">
<File Id="MoreFile{index}" Name="{name}" Source="{name}" />
<RegistryValue Root="HKCU" Key="Software\Maru\Maru" Name="More{index}" Type="integer" Value="1" KeyPath="yes" />
</Component>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installer_for_tauri_has_nothing_left_that_tauri_does_not_know() {
        let source = source("licences.html", &[]).unwrap();
        assert!(!source.contains("@LICENCES@") && !source.contains("@COMPONENTS@"), "{source}");
        assert!(source.contains("{{main_binary_path}}"), "{source}");
    }

    #[test]
    fn each_further_file_is_in_the_installer_and_in_its_feature() {
        let source = source("licences.html", &["maru-cli.exe".into(), "WebView2Loader.dll".into()]).unwrap();
        assert_eq!(source.matches("Source=\"maru-cli.exe\"").count(), 1);
        assert_eq!(source.matches("<ComponentRef Id=\"More").count(), 2);
    }
}
