//! What a browser does: loads pages, sends their forms, and does not follow where they lead by itself.

use crate::support::app::TestApp;

pub struct Browser {
    http: reqwest::Client,
    origin: String,
}

/// What came back.
#[derive(Debug)]
pub struct Shown {
    pub status: u16,
    /// Where a form leads. Empty where it leads nowhere.
    pub location: String,
    pub text: String,
}

impl Browser {
    pub fn of(app: &TestApp) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, origin: format!("http://{}", app.app.address()) }
    }

    /// A page that must be there.
    pub async fn page(&self, path: &str) -> String {
        let shown = self.get(path).await;
        assert_eq!(shown.status, 200, "{path}: {}", shown.text);
        shown.text
    }

    pub async fn get(&self, path: &str) -> Shown {
        shown(self.http.get(format!("{}{path}", self.origin)).send().await.unwrap()).await
    }

    /// Sends a form of `page`: its token, and these fields.
    pub async fn send(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = token_of(&self.page(page).await);
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &token).extend_pairs(fields);
        let request = self
            .http
            .post(format!("{}{path}", self.origin))
            .header("Origin", &self.origin)
            .header("Sec-Fetch-Site", "same-origin")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body.finish());
        shown(request.send().await.unwrap()).await
    }
}

async fn shown(response: reqwest::Response) -> Shown {
    let status = response.status().as_u16();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let location = location.to_owned();
    #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
    let text = response.text().await.unwrap();
    Shown { status, location, text }
}

/// What every page of a person carries for its scripts, and its forms in a field.
fn token_of(page: &str) -> String {
    let rest = page.split_once("\"X-CSRF\":\"").unwrap_or_else(|| panic!("no token: {page}")).1;
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// The value of the first field of that name.
pub fn value_of(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&start).unwrap_or_else(|| panic!("no field {name}: {page}")).1;
    rest.split('"').next().unwrap_or_default().to_owned()
}
