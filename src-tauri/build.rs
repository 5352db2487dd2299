//! Tells Tauri where this layout keeps what it would look for elsewhere, and which commands of the
//! shell exist for its access control: what `permissions/` does not name, no page can call.

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    println!("cargo:rerun-if-changed=src-tauri/bundle/windows/maru.manifest");
    let windows =
        tauri_build::WindowsAttributes::new().app_manifest(include_str!("bundle/windows/maru.manifest"));
    let attributes = tauri_build::Attributes::new()
        .windows_attributes(windows)
        .capabilities_path_pattern("src-tauri/capabilities/*.json")
        .app_manifest(
            tauri_build::AppManifest::new().permissions_path_pattern("src-tauri/permissions/*.toml"),
        );
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
}
