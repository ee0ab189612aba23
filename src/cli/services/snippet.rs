//! A step to paste into a rule holds together, whatever action it is of.

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use crate::{
        app,
        config::Config,
        rules::Texts,
        services::{Registry, snippet},
    };

    #[test]
    fn a_step_of_every_built_in_action_can_be_pasted_into_a_rule() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let mut rules = BTreeMap::new();
        for pack in registry.packs.values() {
            for action in pack.actions.values() {
                let step: String = snippet(pack, action).lines().map(|line| format!("  {line}\n")).collect();
                let rule = format!("name: pasted\non: {{ manual: {{}} }}\ndo:\n{step}");
                rules.insert(format!("rules/{}/{}.yaml", pack.name, action.name), rule);
            }
        }
        assert!(rules.len() > 50, "{}", rules.len());
        let config = Config::defaults(std::path::Path::new("/nowhere"));
        let findings = app::compile(&Texts(Arc::new(rules)), &config).findings;
        let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}
