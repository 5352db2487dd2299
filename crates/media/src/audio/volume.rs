//! How loud somebody is played, as a person sets it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Percent of how loud somebody arrives: 0 to [`Volume::MAX_PERCENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(try_from = "f64", into = "u16")]
#[ts(type = "number", export_to = "media.d.ts")]
pub struct Volume(u16);

/// A number that is no volume.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("A volume is 0 to {max} percent, not {0}.", max = Volume::MAX_PERCENT)]
pub struct NotAVolume(f64);

impl Volume {
    /// The loudest.
    pub const MAX_PERCENT: u16 = 200;
    /// As it arrives.
    pub const UNCHANGED: Self = Self(100);

    /// In percent.
    pub fn percent(self) -> u16 {
        self.0
    }

    /// What each sample is multiplied by.
    pub fn gain(self) -> f32 {
        f32::from(self.0) / 100.0
    }
}

impl Default for Volume {
    fn default() -> Self {
        Self::UNCHANGED
    }
}

impl TryFrom<f64> for Volume {
    type Error = NotAVolume;

    /// Rounds to whole percents.
    fn try_from(percent: f64) -> Result<Self, NotAVolume> {
        if (0.0..=f64::from(Self::MAX_PERCENT)).contains(&percent) {
            Ok(Self(percent.round() as u16))
        } else {
            Err(NotAVolume(percent))
        }
    }
}

impl From<Volume> for u16 {
    fn from(volume: Volume) -> Self {
        volume.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_0_to_200_percent_and_anything_else_is_refused_with_a_sentence() {
        for (percent, gain) in [(0.0, 0.0), (49.6, 0.5), (100.0, 1.0), (200.0, 2.0)] {
            assert_eq!(Volume::try_from(percent).map(Volume::gain), Ok(gain));
        }
        for percent in [-0.1, 200.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refusal = Volume::try_from(percent).unwrap_err().to_string();
            assert_eq!(refusal, format!("A volume is 0 to 200 percent, not {percent}."));
        }
        assert_eq!(Volume::default(), Volume::UNCHANGED);
    }

    #[test]
    fn a_volume_is_a_number_of_json_and_other_numbers_are_refused() {
        assert_eq!(serde_json::to_string(&Volume::UNCHANGED).unwrap(), "100");
        assert_eq!(serde_json::from_str::<Volume>("150").unwrap().percent(), 150);
        let refusal = serde_json::from_str::<Volume>("201").unwrap_err().to_string();
        assert!(refusal.starts_with("A volume is 0 to 200 percent, not 201."), "{refusal}");
        assert!(serde_json::from_str::<Volume>("null").is_err());
    }
}
