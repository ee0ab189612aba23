//! What a browser does: loads pages, sends their forms, and does not follow where they lead by itself.

use bellwire::model::Role;

use crate::support::{
    app::TestApp,
    browser::{self, Shown},
};

/// Somebody who may do everything.
pub struct Browser(browser::Browser);

impl Browser {
    pub async fn of(app: &TestApp) -> Self {
        Self(app.sign_in(Role::Owner).await)
    }

    /// A page that must be there.
    pub async fn page(&self, path: &str) -> String {
        let shown = self.get(path).await;
        assert_eq!(shown.status, 200, "{path}: {}", shown.text);
        shown.text
    }

    pub async fn get(&self, path: &str) -> Shown {
        self.0.get(path).await
    }

    /// Sends a form of `page`: its token, and these fields.
    pub async fn send(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = token_of(&self.page(page).await);
        let mut all = vec![("csrf", token.as_str())];
        all.extend(fields);
        self.0.form(path, &all).await
    }
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
