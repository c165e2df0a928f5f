// SPDX-License-Identifier: Apache-2.0
//! Which of the API's routes a request is for, as metrics and limits know it: one of a fixed set,
//! whatever the request says.

use axum::extract::{MatchedPath, Request};

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Route {
    /// How the enclave is.
    Health,
    /// A quote.
    Quote,
    /// Whether a share is held.
    Availability,
    /// To store a share.
    Store,
    /// To give a share.
    Retrieve,
    /// To remove a share.
    Remove,
    /// Who has seen a share.
    ViewsLog,
    /// A message of another enclave.
    SlotSync,
    /// A backup.
    Backup,
    /// To take a backup back.
    Restore,
    /// A list for a metrics server.
    IntervalList,
    /// What describes the API.
    Documents,
    /// Anything else.
    Other,
}

impl Route {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Quote => "quote",
            Self::Availability => "is-keyshare-available",
            Self::Store => "store-keyshare",
            Self::Retrieve => "retrieve-keyshare",
            Self::Remove => "remove-keyshare",
            Self::ViewsLog => "get-views-log",
            Self::SlotSync => "slot-sync",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::IntervalList => "interval-nft-list",
            Self::Documents => "documents",
            Self::Other => "other",
        }
    }

    /// Which a request is for.
    pub(super) fn of(request: &Request) -> Target {
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        Target::of(path.unwrap_or_default())
    }
}

/// Of what kind the keyshare is that a request is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// A secret.
    Secret,
    /// A capsule.
    Capsule,
    /// It is about none.
    None,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Capsule => "capsule",
            Self::None => "none",
        }
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Target {
    /// The route.
    pub route: Route,
    /// The kind.
    pub kind: Kind,
}

impl Target {
    /// By the path of a route as the router has it, without what a request puts into it.
    fn of(path: &str) -> Self {
        let path = path.strip_prefix("/api/").unwrap_or_default();
        let (kind, name) = match path.split_once('/') {
            Some(("secret-nft", rest)) => (Kind::Secret, rest),
            Some(("capsule-nft", rest)) => (Kind::Capsule, rest),
            _ => (Kind::None, path),
        };
        let route = match (kind, name.split('/').next().unwrap_or_default()) {
            (Kind::None, "health") => Route::Health,
            (Kind::None, "quote") => Route::Quote,
            (Kind::None, "slot-sync") => Route::SlotSync,
            (Kind::None, "backup") => Route::Backup,
            (Kind::None, "restore") => Route::Restore,
            (Kind::None, "metric") => Route::IntervalList,
            (Kind::None, "docs" | "openapi.json") => Route::Documents,
            (Kind::Secret | Kind::Capsule, "is-keyshare-available") => Route::Availability,
            (Kind::Secret | Kind::Capsule, "store-keyshare" | "set-keyshare") => Route::Store,
            (Kind::Secret | Kind::Capsule, "retrieve-keyshare") => Route::Retrieve,
            (Kind::Secret | Kind::Capsule, "remove-keyshare") => Route::Remove,
            (Kind::Secret | Kind::Capsule, "get-views-log") => Route::ViewsLog,
            _ => return Self { route: Route::Other, kind: Kind::None },
        };
        Self { route, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_known_by_its_path() {
        for (path, route, kind) in [
            ("/api/health", Route::Health, Kind::None),
            ("/api/slot-sync/", Route::SlotSync, Kind::None),
            ("/api/secret-nft/store-keyshare", Route::Store, Kind::Secret),
            ("/api/capsule-nft/set-keyshare", Route::Store, Kind::Capsule),
            ("/api/secret-nft/get-views-log/{nft_id}", Route::ViewsLog, Kind::Secret),
            ("/api/capsule-nft/is-keyshare-available/{nft_id}", Route::Availability, Kind::Capsule),
            ("/api/metric/interval-nft-list", Route::IntervalList, Kind::None),
            ("/api/docs/{*file}", Route::Documents, Kind::None),
            ("/api/openapi.json", Route::Documents, Kind::None),
            ("/api/store-keyshare", Route::Other, Kind::None),
            ("/api/secret-nft/health", Route::Other, Kind::None),
            ("/api/secret-nft/5Grw", Route::Other, Kind::None),
            ("/metrics", Route::Other, Kind::None),
            ("", Route::Other, Kind::None),
        ] {
            assert_eq!(Target::of(path), Target { route, kind }, "{path}");
        }
    }
}
