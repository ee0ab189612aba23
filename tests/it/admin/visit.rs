//! A browser without scripts: it loads pages, and sends their forms with the token that stands in them.

use bellwire::model::Role;

use crate::support::{
    app::TestApp,
    browser::{Browser, Shown},
};

pub struct Visit {
    browser: Browser,
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
        Self { browser: app.sign_in(Role::Owner).await }
    }

    pub async fn get(&self, path: &str) -> Seen {
        self.browser.get(path).await.into()
    }

    /// A page elsewhere.
    pub async fn away(&self, url: &str) -> Seen {
        let response = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
            .get(url)
            .send()
            .await
            .unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
        let text = response.text().await.unwrap();
        Seen { status, text, headers }
    }

    /// Sends a form of the page `from` to `to`.
    pub async fn send(&self, from: &str, to: &str, fields: &[(&str, &str)]) -> Seen {
        let csrf = self.get(from).await.field("csrf").unwrap_or_default();
        let mut form = vec![("csrf", csrf.as_str())];
        form.extend(fields);
        self.browser.form(to, &form).await.into()
    }
}

impl From<Shown> for Seen {
    fn from(shown: Shown) -> Self {
        Self { status: shown.status, text: shown.text, headers: shown.headers }
    }
}
