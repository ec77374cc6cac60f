//! Who calls whom in the demo: platforms, accounts, groups, and how requests fail.

use std::f64::consts::PI;

/// A platform's share of the traffic, its median latency, its accounts (ids), groups (ids) and models.
struct Platform {
    name: &'static str,
    per_mille: usize,
    median_ms: f64,
    accounts: &'static [i64],
    groups: &'static [i64],
    models: &'static [&'static str],
}

const PLATFORMS: [Platform; 7] = [
    Platform {
        name: "anthropic",
        per_mille: 348,
        median_ms: 410.0,
        accounts: &[1, 2, 3, 4],
        groups: &[1, 2, 9],
        models: &["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"],
    },
    Platform {
        name: "openai",
        per_mille: 297,
        median_ms: 300.0,
        accounts: &[5, 6, 7],
        groups: &[3, 4],
        models: &["gpt-5.1", "gpt-5.1-mini", "o4-mini"],
    },
    Platform {
        name: "gemini",
        per_mille: 163,
        median_ms: 240.0,
        accounts: &[8, 9],
        groups: &[5],
        models: &["gemini-3-pro", "gemini-2.5-flash"],
    },
    Platform {
        name: "azure",
        per_mille: 102,
        median_ms: 350.0,
        accounts: &[10, 11],
        groups: &[6],
        models: &["gpt-5.1", "gpt-4.1"],
    },
    Platform {
        name: "bedrock",
        per_mille: 70,
        median_ms: 520.0,
        accounts: &[12, 13],
        groups: &[7],
        models: &["claude-sonnet-4-5", "nova-pro"],
    },
    // Imported from an older gateway, which knew no platforms.
    Platform {
        name: "",
        per_mille: 16,
        median_ms: 380.0,
        accounts: &[14],
        groups: &[8],
        models: &["legacy-chat"],
    },
    // Somebody tried what the form would take.
    Platform {
        name: "<img src=x onerror=alert(1)>",
        per_mille: 4,
        median_ms: 380.0,
        accounts: &[14],
        groups: &[10],
        models: &["legacy-chat"],
    },
];

/// `(name, platform)`; the id is the place in the list, from 1.
pub(super) const ACCOUNTS: [(&str, &str); 14] = [
    ("anthropic-main-1", "anthropic"),
    ("anthropic-main-2", "anthropic"),
    ("anthropic-batch", "anthropic"),
    ("anthropic-eu", "anthropic"),
    ("openai-org-1", "openai"),
    ("openai-org-2", "openai"),
    ("openai-research", "openai"),
    ("gemini-vertex-us", "gemini"),
    ("gemini-vertex-eu", "gemini"),
    ("azure-sweden", "azure"),
    ("azure-eastus2", "azure"),
    ("bedrock-frankfurt", "bedrock"),
    ("bedrock-virginia", "bedrock"),
    ("legacy-import", ""),
];

/// `(name, platform)`. A group without a platform takes the account's; group 9 sends bedrock accounts' traffic as anthropic.
pub(super) const GROUPS: [(&str, &str); 10] = [
    ("claude-production", "anthropic"),
    ("claude-internal", "anthropic"),
    ("gpt-production", "openai"),
    ("gpt-internal", "openai"),
    ("gemini-production", "gemini"),
    ("azure-enterprise", "azure"),
    ("bedrock-enterprise", "bedrock"),
    ("trial", ""),
    ("claude-overflow", "anthropic"),
    ("sign-up-form", "<img src=x onerror=alert(1)>"),
];
const GROUP_WITHOUT_PLATFORM: i64 = 8;
const OVERFLOW_GROUP: i64 = 9;

/// A way a request can take, in columns for SQL arrays; routes of one platform stand together.
#[derive(Debug, Default)]
pub(super) struct Routes {
    pub accounts: Vec<i64>,
    /// 0 is no group.
    pub groups: Vec<i64>,
    pub models: Vec<String>,
    pub platforms: Vec<String>,
    pub ln_medians: Vec<f64>,
}

impl Routes {
    /// A thousand routes, each as likely as any other: a platform has as many as its share.
    pub fn new() -> Self {
        let mut routes = Self::default();
        for platform in &PLATFORMS {
            for i in 0..platform.per_mille {
                let group = match i % 8 {
                    0 => 0,
                    1 => GROUP_WITHOUT_PLATFORM,
                    _ => platform.groups[(i / 2) % platform.groups.len()],
                };
                let account = if group == OVERFLOW_GROUP {
                    12
                } else {
                    platform.accounts[(i * 7 / 3) % platform.accounts.len()]
                };
                routes.accounts.push(account);
                routes.groups.push(group);
                routes
                    .models
                    .push(platform.models[(i * 5 / 3) % platform.models.len()].to_owned());
                routes.platforms.push(platform.name.to_owned());
                routes.ln_medians.push(platform.median_ms.ln());
            }
        }
        routes
    }

    /// The first and the last route of a platform, counted from 1.
    pub fn of(&self, platform: &str) -> (i32, i32) {
        let number = |place: Option<usize>| place.and_then(|place| i32::try_from(place + 1).ok()).unwrap_or(0);
        let is = |name: &String| name == platform;
        (
            number(self.platforms.iter().position(is)),
            number(self.platforms.iter().rposition(is)),
        )
    }
}

/// How requests fail: `(weight, status, type, message)`; a status of -1 is none.
type Kind = (usize, i32, Option<&'static str>, Option<&'static str>);

const USUAL: [Kind; 16] = [
    (
        28,
        429,
        Some("rate_limit_error"),
        Some("Rate limit reached for requests per minute"),
    ),
    (
        17,
        400,
        Some("invalid_request_error"),
        Some("messages: at least one message is required"),
    ),
    (7, 401, Some("authentication_error"), Some("invalid x-api-key")),
    (
        3,
        404,
        Some("not_found_error"),
        Some("The model does not exist or you do not have access to it"),
    ),
    (2, 413, Some("request_too_large"), None),
    (8, 500, Some("api_error"), Some("Internal server error")),
    (
        5,
        502,
        Some("upstream_error"),
        Some("upstream connect error or disconnect/reset before headers"),
    ),
    (8, 529, Some("overloaded_error"), Some("Overloaded")),
    (5, 504, Some("timeout_error"), Some("context deadline exceeded")),
    (
        3,
        504,
        Some("upstream_error"),
        Some("Upstream request TIMEOUT after 60 s"),
    ),
    (2, 408, Some("timeout"), None),
    (3, 499, Some("client_closed_request"), Some("context canceled")),
    (
        3,
        0,
        Some("network_error"),
        Some("read tcp 10.4.1.7:443: connection reset by peer"),
    ),
    (3, -1, Some("network_error"), Some("dial tcp 10.4.1.7:443: i/o timeout")),
    (2, 200, Some("stream_error"), Some("stream ended before message_stop")),
    (1, 503, None, None),
];
const OUTAGE: [Kind; 4] = [
    (
        9,
        503,
        Some("service_unavailable"),
        Some("The server is currently unavailable, please retry later"),
    ),
    (
        5,
        500,
        Some("server_error"),
        Some("The server had an error while processing your request"),
    ),
    (
        4,
        504,
        Some("timeout_error"),
        Some("context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
    ),
    (2, 502, Some("upstream_error"), Some("bad gateway")),
];
const OVERLOAD: [Kind; 3] = [
    (10, 529, Some("overloaded_error"), Some("Overloaded")),
    (
        6,
        429,
        Some("rate_limit_error"),
        Some("Number of concurrent connections has exceeded your rate limit"),
    ),
    (3, 408, Some("timeout"), Some("Request timed out")),
];

/// Error kinds in columns for SQL arrays, each as often as it weighs: the usual ones, then those of each incident.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    pub status_codes: Vec<i32>,
    pub types: Vec<Option<String>>,
    pub messages: Vec<Option<String>>,
    pub usual: i32,
    pub outage: (i32, i32),
    pub overload: (i32, i32),
}

impl Kinds {
    pub fn new() -> Self {
        let mut kinds = Self::default();
        kinds.usual = kinds.add(&USUAL).1;
        kinds.outage = kinds.add(&OUTAGE);
        kinds.overload = kinds.add(&OVERLOAD);
        kinds
    }

    /// Appends a list, and gives its first and last place, counted from 1.
    fn add(&mut self, list: &[Kind]) -> (i32, i32) {
        let place = |kinds: &Self| i32::try_from(kinds.status_codes.len()).unwrap_or(i32::MAX);
        let first = place(self) + 1;
        for (weight, status, kind, message) in list {
            for _ in 0..*weight {
                self.status_codes.push(*status);
                self.types.push(kind.map(str::to_owned));
                self.messages.push(message.map(str::to_owned));
            }
        }
        (first, place(self))
    }
}

/// The pace of the traffic at an hour of the week, counted from Monday in UTC: 1 at the peak of a working day.
///
/// `usage.sql` and `errors.sql` have the same formula, and a slow wobble beside it that is nothing in the long run.
fn pace(week_hour: f64) -> f64 {
    let day = 0.35 + 0.65 * (0.5 - 0.5 * (2.0 * PI * (week_hour - 3.5) / 24.0).cos()).powf(1.2);
    let ramp = |from: f64| ((week_hour - from) / 10.0).clamp(0.0, 1.0);
    let weekend = ramp(116.0) - ramp(164.0) + ((6.0 - week_hour) / 10.0).max(0.0);
    day * (1.0 - 0.45 * weekend)
}

/// The mean pace over a week.
pub(super) fn mean_pace() -> f64 {
    (0..168_u32).map(|hour| pace(f64::from(hour) + 0.5)).sum::<f64>() / 168.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_routes_share_out_the_traffic() {
        let routes = Routes::new();
        assert_eq!(routes.accounts.len(), 1000);
        let (first, last) = routes.of("openai");
        assert_eq!(last - first + 1, 297);
        assert!(routes.groups.contains(&0) && routes.platforms.iter().any(String::is_empty));
    }

    #[test]
    fn a_hundred_usual_kinds_stand_before_those_of_incidents() {
        let kinds = Kinds::new();
        assert_eq!(kinds.usual, 100);
        assert_eq!(kinds.outage, (101, 120));
        assert_eq!(kinds.overload, (121, 139));
    }

    #[test]
    fn the_pace_peaks_in_the_afternoon_of_a_working_day() {
        assert!((pace(48.0 + 15.5) - 1.0).abs() < 1e-9);
        assert!(pace(48.0 + 3.5) < 0.36 && pace(144.0 + 15.5) < 0.56);
        assert!((pace(0.0) - pace(168.0)).abs() < 1e-9, "the week closes without a step");
        assert!((0.5..0.7).contains(&mean_pace()));
    }
}
