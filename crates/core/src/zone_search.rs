//! The zone picker: find an IANA zone by city, country, abbreviation or offset.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::{OffsetName, Tz};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::suggest::closest;
use crate::zone::{offset_at, to_local};

/// A zone that a search found, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ZoneMatch {
    /// IANA name, `Asia/Kolkata`.
    pub zone: String,
    pub city: String,
    /// Empty for UTC.
    pub country: String,
    /// `IST`; empty where the zone has none but its offset.
    pub abbreviation: String,
    /// `+05:30`
    pub offset: String,
    /// `18:52`
    pub local_time: String,
}

/// A zone with the words that it is found by.
struct Entry {
    tz: Tz,
    /// Last part of the name, with blanks.
    city: String,
    country: &'static str,
    /// In the form of [`plain`].
    name: String,
    plain_city: String,
    plain_country: String,
    code: String,
    /// Large cities without a zone of their own, former names, other names of the country.
    also: Vec<String>,
    /// Place among the zones that most people mean; those not listed come last.
    rank: usize,
}

/// Zones that most people mean, in order: they come first among equals.
const COMMON: &str = "UTC Europe/London Europe/Berlin Europe/Paris America/New_York America/Los_Angeles America/Chicago \
    America/Denver Asia/Kolkata Asia/Tokyo Asia/Shanghai Asia/Singapore Australia/Sydney America/Sao_Paulo Europe/Madrid \
    Europe/Rome Europe/Amsterdam Europe/Moscow Europe/Istanbul Asia/Dubai Asia/Hong_Kong Asia/Seoul Asia/Jerusalem \
    Europe/Dublin Europe/Zurich Europe/Vienna Europe/Stockholm Europe/Warsaw Europe/Athens Europe/Kyiv Africa/Cairo \
    Africa/Johannesburg Africa/Lagos Africa/Nairobi America/Toronto America/Vancouver America/Mexico_City America/Bogota \
    America/Argentina/Buenos_Aires Asia/Jakarta Asia/Manila Asia/Bangkok Asia/Karachi Asia/Dhaka Asia/Ho_Chi_Minh \
    Asia/Kathmandu Australia/Melbourne Australia/Adelaide Australia/Perth Pacific/Auckland Pacific/Honolulu \
    America/Anchorage America/Halifax America/St_Johns America/Phoenix";

/// Other words that find a zone: `zone: word, word`.
const ALSO: &str = "\
    Europe/London: england, britain, great britain, scotland, wales, uk, manchester, edinburgh, bst\n\
    Europe/Berlin: munich, muenchen, hamburg, frankfurt, cologne, koeln, deutschland\n\
    Europe/Zurich: geneva, bern\n\
    Europe/Rome: milan, italia\n\
    Europe/Madrid: barcelona, espana\n\
    Europe/Paris: lyon, marseille\n\
    Europe/Amsterdam: holland, rotterdam, the netherlands\n\
    Europe/Prague: czech republic\n\
    Europe/Istanbul: ankara, turkey, trt\n\
    Europe/Kyiv: kiev\n\
    Europe/Moscow: st petersburg, saint petersburg\n\
    America/New_York: usa, us, boston, washington, miami, atlanta, philadelphia, eastern time\n\
    America/Chicago: usa, us, houston, dallas, austin, central time\n\
    America/Denver: usa, us, mountain time\n\
    America/Los_Angeles: usa, us, san francisco, seattle, san diego, portland, las vegas, pacific time\n\
    America/Toronto: montreal, ottawa\n\
    America/Sao_Paulo: rio de janeiro, brasil, brasilia\n\
    America/Argentina/Buenos_Aires: buenos aires\n\
    Asia/Kolkata: calcutta, mumbai, bombay, delhi, new delhi, bangalore, bengaluru, chennai, madras, hyderabad, pune, bharat\n\
    Asia/Shanghai: beijing, peking, shenzhen, guangzhou, prc\n\
    Asia/Dubai: abu dhabi, uae, emirates\n\
    Asia/Jerusalem: tel aviv\n\
    Asia/Ho_Chi_Minh: saigon, hanoi\n\
    Asia/Tokyo: osaka, kyoto, nippon\n\
    Asia/Seoul: korea, busan\n\
    Asia/Yangon: rangoon, burma\n\
    Asia/Kathmandu: katmandu\n\
    Asia/Colombo: ist\n\
    Australia/Sydney: canberra\n\
    Pacific/Auckland: wellington, christchurch, aotearoa\n\
    Africa/Johannesburg: cape town, pretoria\n\
    Africa/Kinshasa: democratic republic of the congo, zaire\n\
    Africa/Abidjan: ivory coast\n\
    Africa/Mbabane: swaziland\n\
    UTC: gmt, zulu, universal, coordinated universal time, z";

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let rows = include_str!("zones.tsv").lines().filter(|line| !line.starts_with('#'));
    let rows = rows
        .filter_map(|line| line.split_once('\t'))
        .chain(std::iter::once(("UTC", "\t")));
    rows.filter_map(|(name, rest)| entry(name, rest)).collect()
});

fn entry(name: &'static str, rest: &'static str) -> Option<Entry> {
    let tz: Tz = name.parse().ok()?;
    let (code, country) = rest.split_once('\t')?;
    let city = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
    let also = ALSO
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .filter(|(zone, _)| *zone == name);
    Some(Entry {
        tz,
        name: plain(name),
        plain_city: plain(&city),
        city,
        plain_country: plain(country),
        country,
        code: plain(code),
        also: also
            .flat_map(|(_, words)| words.split(", "))
            .map(str::to_owned)
            .collect(),
        rank: COMMON
            .split_whitespace()
            .position(|common| common == name)
            .unwrap_or(usize::MAX),
    })
}

/// Find zones by city, country, abbreviation or offset, best first, at most `limit`.
///
/// Case, accents, `-`, `_` and `/` don't count. `ist` finds Kolkata and Jerusalem, Dublin, which is IST in summer, Istanbul,
/// and Pakistan; `+1`, `UTC+01:00` and `gmt+1` find the zones that are at that offset now. Nothing typed gives the zones that most
/// people mean; a word that nothing matches is taken for a typo.
pub fn search(query: &str, now: DateTime<Utc>, limit: usize) -> Vec<ZoneMatch> {
    let wanted = plain(query);
    let offset = offset_in(query);
    let mut found: Vec<(u32, &Entry)> = ENTRIES
        .iter()
        .filter_map(|entry| match offset {
            Some(seconds) => (offset_at(now, entry.tz).local_minus_utc() == seconds).then_some((0, entry)),
            None => Some((score(entry, &wanted, now)?, entry)),
        })
        .collect();
    if found.is_empty() && offset.is_none() {
        let words = ENTRIES
            .iter()
            .flat_map(|e| [e.plain_city.as_str(), e.plain_country.as_str()]);
        let words = words.chain(ENTRIES.iter().flat_map(|e| e.also.iter().map(String::as_str)));
        if let Some(meant) = closest(&wanted, words) {
            found = ENTRIES
                .iter()
                .filter_map(|entry| Some((score(entry, meant, now)?, entry)))
                .collect();
        }
    }
    found.sort_by_key(|(score, entry)| (*score, entry.rank, entry.tz.name()));
    found
        .into_iter()
        .take(limit)
        .map(|(_, entry)| show(entry, now))
        .collect()
}

/// Find the zone of a city that was named alone, or behind a wrong region: `Berlin`, `Europe/Munich`.
pub(crate) fn zone_of_city(name: &str) -> Option<&'static str> {
    let whole = plain(name);
    let last = plain(name.rsplit('/').next().unwrap_or(name));
    let is = |entry: &&Entry, word: &str| entry.plain_city == word || entry.also.iter().any(|also| also == word);
    [whole, last].iter().find_map(|word| {
        let found = ENTRIES
            .iter()
            .filter(|entry| is(entry, word))
            .min_by_key(|entry| entry.rank)?;
        Some(found.tz.name())
    })
}

/// How well an entry matches, 0 best; `None`: not at all.
fn score(entry: &Entry, wanted: &str, now: DateTime<Utc>) -> Option<u32> {
    let starts_word = |text: &str| {
        text.match_indices(wanted)
            .any(|(at, _)| at == 0 || text[..at].ends_with(' '))
    };
    let now_called = || abbreviation(entry.tz, now);
    let ever_called = || [-182, 182].map(|days| abbreviation(entry.tz, now + TimeDelta::days(days)));
    if wanted.is_empty() {
        return (entry.rank != usize::MAX).then_some(0);
    }
    Some(match () {
        () if entry.plain_city == wanted || entry.name == wanted => 0,
        () if plain(&now_called()) == wanted => 1,
        () if entry.plain_country == wanted => 2,
        () if entry.also.iter().any(|also| also == wanted) => 3,
        () if ever_called().iter().any(|name| plain(name) == wanted) => 4,
        () if entry.plain_city.starts_with(wanted) => 5,
        () if entry.plain_country.starts_with(wanted) => 6,
        () if wanted.len() == 2 && entry.code == wanted => 6,
        () if starts_word(&entry.name) || starts_word(&entry.plain_country) => 7,
        () if entry.also.iter().any(|also| starts_word(also)) => 8,
        () if wanted.len() > 2 && (entry.name.contains(wanted) || entry.plain_country.contains(wanted)) => 9,
        () => return None,
    })
}

fn show(entry: &Entry, now: DateTime<Utc>) -> ZoneMatch {
    let local = to_local(now, entry.tz);
    ZoneMatch {
        zone: entry.tz.name().into(),
        city: entry.city.clone(),
        country: entry.country.into(),
        abbreviation: abbreviation(entry.tz, now),
        offset: local.offset().to_string(),
        local_time: local.format("%H:%M").to_string(),
    }
}

/// Empty where tzdata has only the offset in place of a name.
fn abbreviation(tz: Tz, at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&tz);
    let name = local.offset().abbreviation().unwrap_or_default();
    if name.starts_with(['+', '-']) {
        String::new()
    } else {
        name.into()
    }
}

/// Read `+1`, `-03:30`, `+0530`, `UTC+1`, `gmt-3` as seconds east of UTC.
fn offset_in(query: &str) -> Option<i32> {
    let text = query.trim().to_ascii_lowercase();
    let text = text
        .strip_prefix("utc")
        .or_else(|| text.strip_prefix("gmt"))
        .unwrap_or(&text)
        .trim();
    let text = text.replace('\u{2212}', "-");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.is_ascii() && digits.len() > 2 => digits.split_at(digits.len() - 2),
        None => (digits, "0"),
    };
    let (hours, minutes): (i32, i32) = (hours.trim().parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Lower case without accents, with single blanks for `-`, `_`, `/` and other punctuation.
fn plain(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ' | 'ả' | 'ấ' | 'ầ' => result.push('a'),
            'æ' => result.push_str("ae"),
            'ç' | 'ć' | 'č' => result.push('c'),
            'ð' | 'ď' | 'đ' => result.push('d'),
            'è'..='ë' | 'ē' | 'ę' | 'ě' | 'ė' | 'ệ' | 'ế' => result.push('e'),
            'ğ' => result.push('g'),
            'ì'..='ï' | 'ī' | 'į' | 'ı' | 'ị' => result.push('i'),
            'ł' => result.push('l'),
            'ñ' | 'ń' | 'ň' => result.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' | 'ơ' | 'ộ' | 'ồ' => result.push('o'),
            'ř' => result.push('r'),
            'ś' | 'ş' | 'š' | 'ș' => result.push('s'),
            'ß' => result.push_str("ss"),
            'ţ' | 'ť' | 'ț' => result.push('t'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ư' => result.push('u'),
            'ý' | 'ÿ' => result.push('y'),
            'ź' | 'ż' | 'ž' => result.push('z'),
            // Combining accents, and apostrophes inside words.
            '\u{300}'..='\u{36f}' | '\'' | '’' | '.' => {}
            letter if letter.is_alphanumeric() => result.push(letter),
            _ if result.ends_with(' ') || result.is_empty() => {}
            _ => result.push(' '),
        }
    }
    result.truncate(result.trim_end().len());
    result
}

#[cfg(test)]
#[path = "zone_search_tests.rs"]
mod tests;
