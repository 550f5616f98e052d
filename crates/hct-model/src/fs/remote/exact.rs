//! Requests to the very URL that was given.

use std::future::Future;
use std::pin::Pin;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use url::Url;

/// Makes clients that send every request to one URL, query and all, as signed ones need: stores know of
/// paths alone.
#[derive(Clone, Debug)]
pub(super) struct ExactUrl(pub Url);

#[derive(Debug)]
struct Exact {
    url: Url,
    client: HttpClient,
}

impl HttpConnector for ExactUrl {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let url = self.0.clone();
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Exact { url, client }))
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Exact {
    fn call<'a, 'b>(&'a self, mut request: HttpRequest) -> Answer<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let uri = self.url.as_str().parse();
            *request.uri_mut() =
                uri.map_err(|error| HttpError::new(HttpErrorKind::Request, error))?;
            self.client.execute(request).await
        })
    }
}
