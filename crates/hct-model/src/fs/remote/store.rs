//! The store that a URL is of.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use super::exact::ExactUrl;

/// How often a request that failed for now (5xx, a cut connection) is made again.
const RETRIES: usize = 4;
/// When that ends at the latest, whatever is left to try.
const RETRY_TIMEOUT: Duration = Duration::from_secs(90);

/// The store of a URL, and the object in it.
pub(super) struct Place {
    pub store: Arc<dyn ObjectStore>,
    pub object: object_store::path::Path,
}

impl Place {
    /// That of `path`, which holds a URL. Credentials are from the usual environment variables of each
    /// kind of store.
    pub fn of(path: &Path) -> Result<Place, String> {
        let text = path.to_str().ok_or("a URL has to be UTF-8")?;
        let url = Url::parse(text).map_err(|error| format!("no URL: {error}"))?;
        let is_web = matches!(url.scheme(), "http" | "https");
        let (scheme, object) = match url.query() {
            // Signed for whoever has it, whatever kind of store that is.
            Some(_) if is_web => {
                let object = object_store::path::Path::from_url_path(url.path());
                (
                    ObjectStoreScheme::Http,
                    object.map_err(|_| UNKNOWN.to_owned())?,
                )
            }
            Some(_) => return Err(QUERY.into()),
            None => ObjectStoreScheme::parse(&url).map_err(|_| UNKNOWN.to_owned())?,
        };
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: RETRY_TIMEOUT,
        };
        let store: object_store::Result<Arc<dyn ObjectStore>> = match scheme {
            ObjectStoreScheme::Http => {
                let mut exact = url.clone();
                exact.set_fragment(None);
                let mut base = exact.clone();
                base.set_path("");
                base.set_query(None);
                HttpBuilder::new()
                    .with_url(base)
                    .with_http_connector(ExactUrl(exact))
                    .with_retry(retry)
                    .with_client_options(
                        ClientOptions::new().with_allow_http(url.scheme() == "http"),
                    )
                    .build()
                    .map(|store| Arc::new(store) as _)
            }
            ObjectStoreScheme::AmazonS3 => AmazonS3Builder::from_env()
                .with_url(text)
                .with_retry(retry)
                .build()
                .map(|store| Arc::new(store) as _),
            ObjectStoreScheme::GoogleCloudStorage => GoogleCloudStorageBuilder::from_env()
                .with_url(text)
                .with_retry(retry)
                .build()
                .map(|store| Arc::new(store) as _),
            ObjectStoreScheme::MicrosoftAzure => MicrosoftAzureBuilder::from_env()
                .with_url(text)
                .with_retry(retry)
                .build()
                .map(|store| Arc::new(store) as _),
            _ => return Err(UNKNOWN.into()),
        };
        Ok(Place {
            store: store.map_err(|error| error.to_string())?,
            object,
        })
    }
}

const QUERY: &str = "queries go with http and https: give the URL of the object alone";
const UNKNOWN: &str = "not a kind of URL that can be read: give http(s), s3, gs or az";
