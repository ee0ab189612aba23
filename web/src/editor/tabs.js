// Tabs: one panel is seen at a time; arrow keys go from tab to tab.

import { fill } from "./dom.js";

/** Makes tabs of what the page has: `[role=tab]` in a tablist, each with `aria-controls`. Gives `count(id, text, kind)` and `open(id)`. */
export function makeTabs(list, remembered) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  function choose(chosen) {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      panel(tab).hidden = !isChosen;
    }
    sessionStorage.setItem(remembered, chosen.id);
  }

  function step(event) {
    const at = tabs.indexOf(event.target);
    const ways = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1 };
    if (at < 0 || !(event.key in ways)) return;
    event.preventDefault();
    const next = tabs[ways[event.key] % tabs.length];
    choose(next);
    next.focus();
  }

  list.addEventListener("keydown", step);
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab));
  const before = tabs.find((tab) => tab.id === sessionStorage.getItem(remembered));
  choose(before ?? tabs[0]);

  /** What stands behind the name of a tab. */
  function count(id, text, kind = "") {
    const place = document.querySelector(`#${id} .ed-count`);
    fill(place, text);
    place.className = `ed-count ${kind}`;
  }

  return { count, open: (id) => choose(document.getElementById(id)) };
}
