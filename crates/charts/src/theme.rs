//! The colours of `ui/`'s design tokens, by role.
//!
//! [`Theme::Css`] holds placeholders that [`crate::vector`] turns into `var(--…)`, so that one drawing follows the
//! light or dark scheme of whoever reads it.

/// A colour with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ink {
    pub rgb: (u8, u8, u8),
    pub alpha: f64,
}

impl Ink {
    const fn hex(value: u32) -> Ink {
        Ink {
            rgb: ((value >> 16) as u8, (value >> 8) as u8, value as u8),
            alpha: 1.0,
        }
    }

    /// The same colour at another opacity.
    #[must_use]
    pub const fn at(self, alpha: f64) -> Ink {
        Ink { alpha, ..self }
    }
}

/// Which palette a report is drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Light,
    Dark,
    /// Custom properties instead of colours, for drawings inside a page that defines them.
    Css,
}

/// Declare the palette once: field, custom property, light and dark value.
macro_rules! palette {
    ($($field:ident $name:literal $light:literal $dark:literal),+ $(,)?) => {
        /// One ink for each role.
        #[derive(Debug, Clone)]
        pub struct Palette { $(pub $field: Ink),+ }

        impl Palette {
            const LIGHT: Palette = Palette { $($field: Ink::hex($light)),+ };
            const DARK: Palette = Palette { $($field: Ink::hex($dark)),+ };

            /// Custom properties with their light and dark values, as `#rrggbb` numbers.
            pub(crate) const PROPERTIES: &'static [(&'static str, u32, u32)] = &[$(($name, $light, $dark)),+];

            /// Colours that stand for custom properties: the n-th property is the colour n.
            fn placeholders() -> Palette {
                let mut next = 0;
                $(next += 1; let $field = Ink::hex(next);)+
                Palette { $($field),+ }
            }
        }
    };
}

palette! {
    surface "--surface-1" 0xffffff 0x13181b,
    rule "--line-1" 0xe3e8eb 0x232a2e,
    edge "--line-2" 0xcbd3d8 0x353f45,
    text_1 "--text-1" 0x12191d 0xe8eef1,
    text_2 "--text-2" 0x45525a 0xa9b5bc,
    text_3 "--text-3" 0x5c6a73 0x8d9ba3,
    accent "--accent" 0x0a6a94 0x4fb6e3,
    ok "--ok" 0x17723d 0x4cc07c,
    bad "--bad" 0xc0271f 0xff6b5e,
    pending "--pending" 0x6a4fb8 0xb39cf2,
    pending_tint "--pending-tint" 0xf2eff9 0x252634,
    frozen "--frozen" 0x3a6786 0x8fb3c9,
    frozen_tint "--frozen-tint" 0xeef2f5 0x20292e,
    partial "--partial" 0x5c6a73 0x8d9ba3,
    grid "--chart-grid" 0xe9edef 0x1e2529,
    axis "--chart-axis" 0x9aa6ad 0x59666e,
    day "--chart-day" 0xb9c3c9 0x3f4a50,
    success "--class-success" 0xb4d7ea 0x1d4558,
    success_edge "--class-success-edge" 0x4389ae 0x3c90b8,
    class_4xx "--class-4xx" 0x84959f 0x63747e,
    class_timeout "--class-timeout" 0x536672 0x9caeb8,
    class_5xx "--class-5xx" 0x182933 0xe7f0f5,
    ord_1 "--ord-1" 0x449ac8 0x287b9f,
    ord_2 "--ord-2" 0x1a7199 0x4fb4e3,
    ord_3 "--ord-3" 0x023a53 0xcdeeff,
    series_1 "--series-1" 0x1f6cbe 0x68a8ff,
    series_2 "--series-2" 0xc17d63 0xdb9c7b,
    series_3 "--series-3" 0x04858c 0xa5e7dc,
    series_4 "--series-4" 0x771246 0xb05a9c,
    series_5 "--series-5" 0x82752b 0x8f8a3c,
    series_6 "--series-6" 0x333694 0x676eeb,
    series_7 "--series-7" 0x2c92c5 0x93dbff,
    series_8 "--series-8" 0x4a5a68 0x92989c,
    seq_0 "--seq-0" 0xeef6fa 0x171f24,
    seq_1 "--seq-1" 0xd6eaf5 0x1a2d36,
    seq_2 "--seq-2" 0xb8daed 0x203f4e,
    seq_3 "--seq-3" 0x94c6e1 0x275368,
    seq_4 "--seq-4" 0x70aecf 0x2e6985,
    seq_5 "--seq-5" 0x5194b6 0x3a82a3,
    seq_6 "--seq-6" 0x347798 0x4c9ec5,
}

impl Palette {
    pub fn of(theme: Theme) -> Palette {
        match theme {
            Theme::Light => Palette::LIGHT,
            Theme::Dark => Palette::DARK,
            Theme::Css => Palette::placeholders(),
        }
    }

    /// Categorical ink by place; the eighth is for the group without a name and for the rest.
    pub fn name(&self, place: usize) -> Ink {
        [
            self.series_1,
            self.series_2,
            self.series_3,
            self.series_4,
            self.series_5,
            self.series_6,
            self.series_7,
        ]
        .get(place)
        .copied()
        .unwrap_or(self.series_8)
    }

    /// Inks of a heatmap, low to high.
    pub fn steps(&self) -> [Ink; 7] {
        [
            self.seq_0, self.seq_1, self.seq_2, self.seq_3, self.seq_4, self.seq_5, self.seq_6,
        ]
    }

    /// Inks for `count` steps of one thing, least first.
    pub fn ordered(&self, count: usize) -> Vec<Ink> {
        match count {
            0 => vec![],
            1 => vec![self.ord_1],
            _ => (0..count)
                .map(|i| [self.ord_1, self.ord_2, self.ord_3][(i * 2 + (count - 1) / 2) / (count - 1)])
                .collect(),
        }
    }

    /// Inks for what is fine, then `count - 1` failures, worse later.
    pub fn outcomes(&self, count: usize) -> Vec<Ink> {
        (0..count)
            .map(|i| {
                if i == 0 {
                    self.success
                } else {
                    self.failure(count - 1 - i)
                }
            })
            .collect()
    }

    /// Ink of a failure, counted from the worst.
    fn failure(&self, from_worst: usize) -> Ink {
        match from_worst {
            0 => self.class_5xx,
            1 => self.class_timeout,
            2 => self.class_4xx,
            _ => self.edge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ink_is_the_token_of_its_name() {
        let tokens = include_str!("../../../ui/src/tokens.css");
        let light = &tokens[tokens.find(":root {").unwrap()..tokens.find("@media").unwrap()];
        let dark = &tokens[tokens.find(":root[data-theme=\"dark\"]").unwrap()..];
        for (name, in_light, in_dark) in Palette::PROPERTIES {
            for (text, value) in [(light, in_light), (dark, in_dark)] {
                let at = text
                    .find(&format!("{name}: #"))
                    .unwrap_or_else(|| panic!("{name} is no token"));
                let hex = &text[at + name.len() + 3..at + name.len() + 9];
                assert_eq!(u32::from_str_radix(hex, 16).unwrap(), *value, "{name}");
            }
        }
    }
}
