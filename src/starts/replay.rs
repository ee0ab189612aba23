//! Which steps of an old run count as ended in a new one.

use std::collections::HashMap;

use crate::{
    model::{StepOutput, StepPath},
    rules::{Rule, Step},
};

/// The outputs of an old run that a new one begins with, so that it goes on at `from`: an id, or a path such as `do.1`. Those of the
/// steps that stand before it, found again in the new text by their id, else by their path. `Err` is one sentence.
pub fn outputs_before(old: &Rule, new: &Rule, outputs: &[StepOutput], from: &str) -> Result<Vec<StepOutput>, String> {
    let target = find(new, from).ok_or_else(|| {
        let known: Vec<&str> = steps(new).into_iter().filter_map(|step| step.id.as_deref()).collect();
        let known = if known.is_empty() { String::new() } else { format!("; ids are {}", known.join(", ")) };
        format!("{} has no step `{from}`; name its id or a path such as do.1{known}", new.id)
    })?;
    let path = &target.path.0;
    if !path.starts_with("do.") {
        return Err(format!("`{from}` stands in `on_error`, which runs only after a failure; name a step of `do`"));
    }
    if steps(new).iter().any(|step| is_inside(path, &step.path.0) && is_loop(step)) {
        return Err(format!("`{from}` stands in a loop, whose turns belong together; name the loop"));
    }
    let old_steps = steps(old);
    let in_old: HashMap<&str, &Step> = old_steps.iter().map(|step| (step.path.0.as_str(), *step)).collect();
    let before: HashMap<&str, &Step> = steps(new)
        .into_iter()
        .take_while(|step| step.path != target.path)
        .map(|step| (step.path.0.as_str(), step))
        .collect();
    let mut kept = Vec::new();
    for output in outputs {
        let (plain, _) = without_turns(&output.step.0);
        let Some(was) = in_old.get(plain.as_str()) else { continue };
        let is = match &was.id {
            Some(id) => before.values().find(|step| step.id.as_ref() == Some(id)),
            None => before.get(plain.as_str()),
        };
        let Some(is) = is.filter(|is| std::mem::discriminant(&is.kind) == std::mem::discriminant(&was.kind)) else {
            continue;
        };
        // A turn's number stands inside of its path; where the path moved, the turns of its loop are not found again.
        if is.path == was.path {
            kept.push(output.clone());
        } else if plain == output.step.0 {
            kept.push(StepOutput { step: is.path.clone(), ..output.clone() });
        }
    }
    Ok(kept)
}

fn is_loop(step: &Step) -> bool {
    matches!(step.kind, crate::rules::StepKind::ForEach { .. })
}

fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// Every step of `do`, in the order of the file.
fn steps(rule: &Rule) -> Vec<&Step> {
    let mut all = Vec::new();
    rule.steps.iter().for_each(|step| step.each(&mut |step| all.push(step)));
    all
}

fn find<'r>(rule: &'r Rule, name: &str) -> Option<&'r Step> {
    let mut found = None;
    rule.each_step(&mut |step| {
        if step.id.as_deref() == Some(name) || step.path.0 == name {
            found = found.or(Some(step));
        }
    });
    found
}

/// `do.2.do.0[3]` as the text has it: `do.2.do.0`, and whether it was a turn.
fn without_turns(path: &str) -> (String, bool) {
    let mut plain = String::new();
    let mut inside = false;
    for character in path.chars() {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            other if !inside => plain.push(other),
            _ => {}
        }
    }
    let turned = plain.len() != path.len();
    (plain, turned)
}

/// The path of a step in its rule's text, without the turns of loops.
pub fn path_in_text(path: &StepPath) -> StepPath {
    StepPath(without_turns(&path.0).0)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc, time::Duration};

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        model::StepOutcome,
        rules::{Set, Texts, fake::Fake},
    };

    fn rule(steps: &str) -> Arc<Rule> {
        let text = format!("name: a\non: groove.note_added\ndo:\n{steps}");
        let texts: BTreeMap<String, String> = [("rules/a.yaml".to_owned(), text)].into();
        let compiled = Set::compile(Texts(Arc::new(texts)), &Fake::new());
        assert!(compiled.holds(), "{:#?}", compiled.findings);
        Arc::clone(&compiled.set.rules["a"])
    }

    fn output(path: &str, result: Value) -> StepOutput {
        StepOutput {
            step: StepPath(path.to_owned()),
            outcome: StepOutcome::Ok,
            result,
            error: None,
            response: Value::Null,
            waited: Duration::ZERO,
        }
    }

    const GET: &str = "http: { method: GET, url: \"https://api.example.com/x\" }";

    fn paths(outputs: &[StepOutput]) -> Vec<&str> {
        outputs.iter().map(|output| output.step.0.as_str()).collect()
    }

    #[test]
    fn steps_before_the_one_named_count_as_ended() {
        let text = format!(
            "  - id: one\n    {GET}\n  - if: {{ event.x: 1 }}\n    then:\n      - id: two\n        {GET}\n      - id: three\n        {GET}\n  - id: four\n    {GET}\n"
        );
        let rule = rule(&text);
        let ended = ["do.0", "do.1", "do.1.then.0", "do.1.then.1", "do.2"].map(|path| output(path, json!("then")));
        assert_eq!(
            outputs_before(&rule, &rule, &ended, "three").as_deref().map(paths),
            Ok(vec!["do.0", "do.1", "do.1.then.0"])
        );
        assert_eq!(outputs_before(&rule, &rule, &ended, "do.0").as_deref().map(paths), Ok(vec![]));
        assert_eq!(outputs_before(&rule, &rule, &ended, "do.2").as_deref().map(paths).map(|all| all.len()), Ok(4));
        let error = outputs_before(&rule, &rule, &ended, "five").unwrap_err();
        assert!(error.contains("one, two, three, four"), "{error}");
    }

    #[test]
    fn a_step_that_moved_is_found_by_its_id() {
        let old = rule(&format!("  - id: one\n    {GET}\n  - id: two\n    {GET}\n"));
        let new = rule(&format!("  - id: zero\n    {GET}\n  - id: one\n    {GET}\n  - id: two\n    {GET}\n"));
        let ended = [output("do.0", json!(1)), output("do.1", json!(2))];
        let kept = outputs_before(&old, &new, &ended, "two");
        assert_eq!(kept, Ok(vec![output("do.1", json!(1))]));
    }

    #[test]
    fn a_path_of_a_turn_is_that_of_the_text() {
        let of = |path: &str| path_in_text(&StepPath(path.to_owned())).0;
        assert_eq!(
            (of("do.2.do.0[3]"), of("do.2.do.0[3].then.1"), of("do.2")),
            ("do.2.do.0".to_owned(), "do.2.do.0.then.1".to_owned(), "do.2".to_owned())
        );
    }
}
