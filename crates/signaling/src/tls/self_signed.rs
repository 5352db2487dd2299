//! A certificate that this machine signs itself, for a network without a name that an authority would
//! vouch for. Browsers warn once; people compare the fingerprint. It is kept, so that they need not
//! do it again.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use time::{Duration, OffsetDateTime};

use super::{HTTP, Tls, TlsError, certified};
use crate::addresses;

/// Key and certificate in one file, so that they are never of two pairs.
const FILE: &str = "own-certificate.pem";

/// Some systems refuse certificates of more than 825 days, without a way round.
const LASTS: Duration = Duration::days(820);

/// A certificate with less than this left is made anew.
const RENEWED_BEFORE: Duration = Duration::days(30);

impl Tls {
    /// TLS with a certificate of this machine's own, kept in a directory: made there if there is none,
    /// or none that lasts.
    ///
    /// # Errors
    /// [`TlsError::NotKept`] when it cannot be kept.
    pub fn self_signed(directory: &Path) -> Result<Self, TlsError> {
        let file = directory.join(FILE);
        let now = OffsetDateTime::now_utc();
        let kept = match kept(&file, now) {
            Some(kept) => kept,
            None => {
                make(directory, &file, now)?;
                read(&file).map_err(|problem| TlsError::not_kept(directory, problem))?
            }
        };
        let (mut tls, digest) = with_own(kept)?;
        tls.fingerprint = Some(shown(&digest));
        Ok(tls)
    }

    /// TLS with a certificate that nobody has seen before and that is kept nowhere, and its SHA-256.
    pub(crate) fn ephemeral() -> Result<(Self, [u8; 32]), TlsError> {
        let failed = |problem: String| TlsError::Setup(rustls::Error::General(problem));
        let pem = pem(OffsetDateTime::now_utc()).map_err(|error| failed(error.to_string()))?;
        with_own(parse(pem.as_bytes()).map_err(failed)?)
    }

    /// Where all of Maru's programs of one person keep that certificate.
    ///
    /// # Errors
    /// [`TlsError::NoHome`] when there is no place for it.
    pub fn default_directory() -> Result<PathBuf, TlsError> {
        let dirs = directories::ProjectDirs::from("app", "maru", "Maru").ok_or(TlsError::NoHome)?;
        Ok(dirs.data_local_dir().to_path_buf())
    }
}

/// The certificate in the file, if it is one and lasts.
fn kept(file: &Path, now: OffsetDateTime) -> Option<CertifiedKey> {
    let problem = match read(file) {
        Ok(kept) => {
            let (_, parsed) = x509_parser::parse_x509_certificate(kept.cert.first()?).ok()?;
            let ends = parsed.validity().not_after.to_datetime();
            if ends - now > RENEWED_BEFORE {
                return Some(kept);
            }
            format!("it ends on {}", ends.date())
        }
        Err(_) if !file.exists() => return None,
        Err(problem) => problem,
    };
    tracing::warn!("making a new certificate of this machine's own, with another fingerprint: {problem}");
    let _ = fs::remove_file(file);
    None
}

fn read(file: &Path) -> Result<CertifiedKey, String> {
    parse(&fs::read(file).map_err(|error| error.to_string())?)
}

fn parse(pem: &[u8]) -> Result<CertifiedKey, String> {
    let certificate = CertificateDer::from_pem_slice(pem).map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| error.to_string())?;
    certified(vec![certificate], key).map_err(|error| error.to_string())
}

/// Makes a certificate and puts it there, unless another program was faster.
fn make(directory: &Path, file: &Path, now: OffsetDateTime) -> Result<(), TlsError> {
    let not_kept = |problem: &dyn ToString| TlsError::not_kept(directory, problem.to_string());
    let pem = pem(now).map_err(|error| not_kept(&error))?;
    fs::create_dir_all(directory).map_err(|error| not_kept(&error))?;
    // Such files are for their owner only, from the start.
    let mut temporary = tempfile::NamedTempFile::new_in(directory).map_err(|error| not_kept(&error))?;
    temporary.write_all(pem.as_bytes()).map_err(|error| not_kept(&error))?;
    match temporary.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(not_kept(&error.error)),
    }
}

fn pem(now: OffsetDateTime) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut certificate = CertificateParams::new(vec!["localhost".to_owned()])?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "Maru on this network");
    certificate.distinguished_name = name;
    let addresses = addresses::own().filter(|address| !address.is_loopback());
    let addresses = addresses.chain([IpAddr::from(Ipv4Addr::LOCALHOST)]);
    certificate.subject_alt_names.extend(addresses.map(SanType::IpAddress));
    certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Clocks differ.
    certificate.not_before = now - Duration::days(1);
    certificate.not_after = now + LASTS;
    Ok(key.serialize_pem() + &certificate.self_signed(&key)?.pem())
}

/// TLS with this certificate, and its SHA-256.
fn with_own(made: CertifiedKey) -> Result<(Tls, [u8; 32]), TlsError> {
    let certificate = made.cert.first().map_or(&[][..], |certificate| certificate.as_ref());
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, certificate).as_ref());
    let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(made));
    Ok((Tls::new(resolver, &[HTTP], Box::pin(std::future::pending()))?, digest))
}

/// A fingerprint as browsers show it.
fn shown(digest: &[u8; 32]) -> String {
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_stays_until_the_certificate_nears_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let first = Tls::self_signed(directory.path()).unwrap().fingerprint;
        assert_eq!(first.as_ref().unwrap().len(), 32 * 3 - 1);
        assert_eq!(Tls::self_signed(directory.path()).unwrap().fingerprint, first);

        let file = directory.path().join(FILE);
        let now = OffsetDateTime::now_utc();
        assert!(kept(&file, now + LASTS - RENEWED_BEFORE - Duration::days(1)).is_some());
        assert!(kept(&file, now + LASTS - RENEWED_BEFORE + Duration::days(1)).is_none());
        assert_ne!(Tls::self_signed(directory.path()).unwrap().fingerprint, first, "it was taken away");
    }

    #[test]
    fn a_file_that_is_no_certificate_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "-----BEGIN CERTIFICATE-----\nAAAA").unwrap();
        let made = Tls::self_signed(directory.path()).unwrap().fingerprint;
        assert_eq!(Tls::self_signed(directory.path()).unwrap().fingerprint, made);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        Tls::self_signed(directory.path()).unwrap();
        let mode = fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Tls::self_signed(&file.path().join("below")).unwrap_err().to_string();
        assert!(error.contains("below") && error.contains("may write"), "{error}");
    }
}
