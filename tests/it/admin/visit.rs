//! A browser without scripts: it loads pages, and sends their forms with the token that stands in them.

use crate::support::app::TestApp;

pub struct Visit {
    http: reqwest::Client,
    base: String,
}

/// A page as it came.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub text: String,
    pub headers: reqwest::header::HeaderMap,
}

impl Seen {
    /// The page, where it holds this text.
    #[track_caller]
    pub fn with(self, text: &str) -> Self {
        assert!(self.text.contains(text), "`{text}` is missing ({}):\n{}", self.status, self.text);
        self
    }

    #[track_caller]
    pub fn without(self, text: &str) -> Self {
        assert!(!self.text.contains(text), "`{text}` is there ({}):\n{}", self.status, self.text);
        self
    }

    #[track_caller]
    pub fn status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The value of the first input of this name.
    pub fn field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.text.split_once(&format!("name=\"{name}\" value=\""))?;
        Some(rest.split('"').next()?.to_owned())
    }
}

impl Visit {
    /// Somebody who may do everything.
    pub async fn owner(app: &TestApp) -> Self {
        let none = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().no_proxy().redirect(none).build().unwrap();
        let visit = Self { http, base: format!("http://{}", app.app.address()) };
        assert_eq!(visit.get("/").await.status, 200);
        visit
    }

    pub async fn get(&self, path: &str) -> Seen {
        seen(self.http.get(format!("{}{path}", self.base)).send().await.unwrap()).await
    }

    /// A page elsewhere.
    pub async fn away(&self, url: &str) -> Seen {
        seen(self.http.get(url).send().await.unwrap()).await
    }

    /// Sends a form of the page `from` to `to`.
    pub async fn send(&self, from: &str, to: &str, fields: &[(&str, &str)]) -> Seen {
        let csrf = self.get(from).await.field("csrf").unwrap_or_default();
        let mut form = vec![("csrf", csrf.as_str())];
        form.extend(fields);
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(format!("{}{to}", self.base)).header("Origin", &self.base).body(body);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        seen(request.send().await.unwrap()).await
    }
}

async fn seen(response: reqwest::Response) -> Seen {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
    let text = response.text().await.unwrap();
    Seen { status, text, headers }
}
