// What pages do without leaving. Every page works without it; it is loaded before the first paint for the theme's sake.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("js");

  // ---- theme: what the system says, unless one was chosen here ----
  const chosen = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  const wear = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
    all("[data-theme-set]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === (theme || "auto")));
    });
  };
  wear(chosen());

  // ---- toasts ----
  const toast = (text, { bad = false, href = "", link = "" } = {}) => {
    const place = document.getElementById("toasts");
    if (!place || all(".toast p", place).some((p) => p.textContent === text)) return;
    const box = document.createElement("div");
    box.className = bad ? "toast toast-bad" : "toast";
    const p = document.createElement("p");
    p.textContent = text;
    box.append(p);
    if (href) {
      const a = document.createElement("a");
      a.href = href;
      a.textContent = link;
      box.append(a);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "button button-quiet button-small";
    close.textContent = "Close";
    close.addEventListener("click", () => box.remove());
    box.append(close);
    place.append(box);
    if (!bad) setTimeout(() => box.remove(), 6000);
  };

  // ---- times: relative ones stay true, the whole of each is in the viewer's zone ----
  let ahead = 0;
  const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  const relative = (at) => {
    const seconds = Math.trunc((Date.now() + ahead - at) / 1000);
    const size = Math.abs(seconds);
    if (size < 2) return "now";
    const span = size < 60 ? `${size} s`
      : size < 3600 ? `${Math.trunc(size / 60)} min`
      : size < 86400 ? `${Math.trunc(size / 3600)} h`
      : size < 259200 && size % 86400 >= 3600 ? `${Math.trunc(size / 86400)} d ${Math.trunc(size % 86400 / 3600)} h`
      : `${Math.trunc(size / 86400)} d`;
    return seconds > 0 ? `${span} ago` : `in ${span}`;
  };
  const tell = () => all("time[data-ago]").forEach((time) => {
    const at = Date.parse(time.dateTime);
    if (at) time.textContent = relative(at);
  });
  // The axes of charts come in UTC, and say so.
  const shown = {
    hour: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    date: new Intl.DateTimeFormat(undefined, { month: "2-digit", day: "2-digit" }),
    moment: new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short" }),
  };
  const zoned = () => {
    all("time[data-local]").forEach((time) => {
      const at = Date.parse(time.dateTime);
      if (at) time.textContent = shown[time.dataset.local].format(at);
    });
    const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(Date.now());
    const name = parts.find((part) => part.type === "timeZoneName")?.value;
    if (name) all("[data-zone]").forEach((place) => { place.textContent = name; });
  };
  // Times in forms are asked for in the viewer's zone, and sent in UTC, as they are where no script runs.
  const picked = () => all("input[data-utc]").forEach((input) => {
    const text = input.value.trim();
    const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
    const at = new Date(isDay ? `${text}T00:00Z` : /(Z|[+-]\d\d:\d\d)$/i.test(text) ? text : `${text}Z`);
    if (input.type !== "text" || (text && Number.isNaN(at.getTime()))) return;
    input.type = "datetime-local";
    if (text) {
      const local = new Date(at.getTime() - at.getTimezoneOffset() * 60000);
      input.value = local.toISOString().slice(0, at.getUTCSeconds() ? 19 : 16);
    }
    const says = input.closest("label")?.querySelector("[data-utc-says]");
    if (says) says.hidden = true;
  });
  const sentAsUtc = (event) => all("input[data-utc]", event.target).forEach((input) => {
    if (event.defaultPrevented || input.type !== "datetime-local") return;
    const at = new Date(input.value);
    input.type = "text";
    input.value = Number.isNaN(at.getTime()) ? "" : at.toISOString().slice(0, at.getUTCSeconds() ? 19 : 16);
  });
  const localise = (event) => {
    const clipped = event.target.closest?.(":is(.one-line, .two-lines):not([title])");
    const isCut = clipped && (clipped.scrollHeight > clipped.clientHeight || clipped.scrollWidth > clipped.clientWidth);
    if (isCut) clipped.title = clipped.textContent.trim();
    const time = event.target.closest?.("time[datetime]");
    const at = time && !time.dataset.told && Date.parse(time.dateTime);
    if (!at) return;
    time.title = `${whole.format(at)}\n${time.dateTime}`;
    time.dataset.told = "1";
  };

  // ---- copy ----
  const copy = async (button) => {
    const from = document.querySelector(button.dataset.copy);
    const text = button.dataset.copyText ?? from?.value ?? from?.textContent ?? "";
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
      button.textContent = "Copied";
    } catch {
      if (from) getSelection().selectAllChildren(from);
      button.textContent = "Press Ctrl+C";
    }
    if (button.disabled) return;
    button.disabled = true;
    setTimeout(() => {
      button.textContent = before;
      button.disabled = false;
    }, 1500);
  };

  // ---- selection of rows ----
  const ones = (bulk) => all("input[type=checkbox][data-bulk-one], tbody td.tick input[type=checkbox]", bulk);
  const count = (bulk) => {
    const boxes = ones(bulk);
    const ticked = boxes.filter((box) => box.checked).length;
    all("[data-bulk-all]", bulk).forEach((box) => {
      box.checked = ticked > 0 && ticked === boxes.length;
      box.indeterminate = ticked > 0 && ticked < boxes.length;
    });
    all("[data-bulk-count]", bulk).forEach((place) => { place.textContent = `${ticked} selected`; });
    all(".bulk", bulk).forEach((bar) => { bar.hidden = ticked === 0; });
  };
  let last = null;
  const tick = (event) => {
    const box = event.target;
    const bulk = box.closest?.("[data-bulk]");
    if (!bulk || box.type !== "checkbox") return;
    if (box.matches("[data-bulk-all]")) ones(bulk).forEach((one) => { one.checked = box.checked; });
    else if (event.shiftKey && last?.isConnected) {
      const boxes = ones(bulk);
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      if (from >= 0) boxes.slice(from, to + 1).forEach((one) => { one.checked = box.checked; });
    }
    last = box;
    count(bulk);
  };

  // ---- forms that ask first, and that are sent once ----
  const ask = (form, submitter) => {
    const dialog = document.createElement("dialog");
    const p = document.createElement("p");
    p.id = "ask-text";
    p.textContent = form.dataset.confirm;
    dialog.setAttribute("aria-labelledby", p.id);
    const row = document.createElement("div");
    row.className = "actions";
    const button = (text, kind, then) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = `button ${kind}`;
      made.textContent = text;
      made.addEventListener("click", () => {
        dialog.close();
        then();
      });
      row.append(made);
      return made;
    };
    button("Cancel", "", () => {}).autofocus = true;
    button(submitter?.textContent.trim() || "Go on", "button-danger", () => {
      form.dataset.confirmed = "1";
      form.requestSubmit(submitter ?? undefined);
    });
    dialog.append(p, row);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
  const submitting = (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
    if (question && !form.dataset.confirmed) {
      event.preventDefault();
      event.stopImmediatePropagation();
      form.dataset.confirm = question;
      return ask(form, event.submitter);
    }
    delete form.dataset.confirmed;
    const isHtmx = form.matches("[hx-post], [hx-put], [hx-delete], [hx-patch], [hx-get]");
    if (form.method !== "post" || isHtmx) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 3000);
  };

  // ---- keys ----
  const rowOf = (element) => element?.closest?.("table[data-keys] tr[data-row]");
  const here = () => rowOf(document.activeElement) ?? document.querySelector("table[data-keys] tr.is-here");
  // What opens a row: the link to its thing, else its first link or fold. A row that has none is marked alone.
  const opener = (row) => {
    const thing = row.dataset.row && row.querySelector(`a[href="${CSS.escape(row.dataset.row)}"]`);
    const found = thing || row.querySelector("a[href], summary");
    if (!found) row.tabIndex = -1;
    return found ?? row;
  };
  const move = (by) => {
    const rows = all("table[data-keys] tr[data-row]");
    const row = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(here()) + by))];
    if (!row) return;
    all("tr.is-here").forEach((other) => other.classList.remove("is-here"));
    row.classList.add("is-here");
    opener(row).focus();
    row.scrollIntoView({ block: "nearest" });
  };
  let going = 0;
  const pressed = (event) => {
    const { key, target } = event;
    if (key === "Escape") all("details.menu[open], details.confirm[open]").forEach((menu) => { menu.open = false; });
    const writes = target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], .cm-editor, dialog");
    if (writes || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const done = () => event.preventDefault();
    if (Date.now() - going < 1500) {
      going = 0;
      const link = document.querySelector(`a[data-go="${CSS.escape(key)}"]`);
      if (link) return done(), location.assign(link.href);
    }
    const row = here();
    if (key === "g") going = Date.now();
    else if (key === "?") done(), document.getElementById("keys")?.showModal();
    else if (key === "/") {
      const search = document.querySelector("[data-search], main input[type=search]");
      if (search) done(), search.focus(), search.select?.();
    } else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
    else if (key === "Enter" && row && target === row) {
      const to = opener(row);
      if (to !== row) done(), to.click();
      else if (row.dataset.row) location.assign(row.dataset.row);
    } else if (key === "x" && row?.querySelector("input[type=checkbox]")) row.querySelector("input[type=checkbox]").click();
    else if (key.length === 1) {
      const selector = `[data-key="${CSS.escape(key)}"]`;
      const button = row?.querySelector(selector) ?? all(selector).find((one) => !one.closest("tr[data-row]"));
      if (button) done(), button.click();
    }
  };

  // ---- live regions: polling rests while the tab is hidden or the region is paused ----
  const missed = (text) => all("[data-live-new]").forEach((place) => {
    if (place.textContent !== text) place.textContent = text;
  });
  // While a person has paused it, the same question tells how many rows wait; none is shown.
  let peeked = 0;
  const peek = async (region, from) => {
    if (!from || Date.now() - peeked < 4000) return;
    peeked = Date.now();
    try {
      const answer = await fetch(from, { headers: { "HX-Request": "true" } });
      const rows = answer.ok ? (await answer.text()).split("<tr data-row").length - 1 : 0;
      if (rows && region.matches("[data-paused]")) missed(rows === 1 ? "1 new event came" : `${rows}${rows >= 50 ? " or more" : ""} new events came`);
    } catch { /* the next look tells */ }
  };
  const pause = (button) => {
    const region = document.querySelector(button.dataset.liveToggle || "[data-live]");
    if (!region) return;
    const paused = region.toggleAttribute("data-paused");
    button.textContent = paused ? "Resume" : "Pause";
    missed("");
    all("[data-live-state]").forEach((state) => {
      state.textContent = paused ? "Paused" : "Live";
      state.className = `badge badge-${paused ? "paused" : "live"}`;
    });
  };

  const clicked = (event) => {
    const target = event.target;
    const button = target.closest?.("button, [data-dialog]");
    if (button?.dataset.copy || button?.dataset.copyText) copy(button);
    if (button?.dataset.themeSet) {
      const theme = button.dataset.themeSet === "auto" ? "" : button.dataset.themeSet;
      try { theme ? localStorage.setItem("theme", theme) : localStorage.removeItem("theme"); } catch { /* this page alone */ }
      wear(theme);
    }
    if (button?.hasAttribute("data-live-toggle")) pause(button);
    if (button?.dataset.dialog) document.querySelector(button.dataset.dialog)?.showModal();
    if (button?.hasAttribute("data-close")) button.closest("dialog")?.close();
    if (target.matches?.("dialog")) target.close();
    all("details.menu[open], details.confirm[open]").forEach((menu) => {
      if (!menu.contains(target)) menu.open = false;
    });
  };

  // ---- htmx ----
  const failed = (event) => {
    const { xhr, pathInfo } = event.detail;
    const path = pathInfo?.requestPath?.split("?")[0] ?? "the server";
    if (!xhr?.status) return toast(`${path} was not reached. Bellwire does not answer, or the network is down; it is tried again where the page is live.`, { bad: true });
    let why = "";
    try {
      why = JSON.parse(xhr.responseText).error.message;
    } catch {
      why = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("[data-refusal]")?.textContent.trim();
    }
    toast(why || `${path} answered ${xhr.status}. Load the page again; if it stays so, the server's log says why.`, { bad: true });
  };
  const before = (event) => {
    const { elt, requestConfig } = event.detail;
    const region = elt.closest("[data-live]");
    if (!region || requestConfig.triggeringEvent) return;
    if (document.hidden || region.matches("[data-paused], :has(details[open])")) event.preventDefault();
    if (!document.hidden && region.matches("[data-paused]")) peek(region, elt.getAttribute("hx-get"));
  };
  const swapping = (event) => {
    const { xhr } = event.detail;
    if (!xhr.responseURL || !new URL(xhr.responseURL).pathname.startsWith("/login")) return;
    event.detail.shouldSwap = false;
    toast("You are signed out. Nothing on this page was lost.", { bad: true, href: "/login", link: "Sign in" });
  };

  document.addEventListener("DOMContentLoaded", () => {
    ahead = (Date.parse(root.dataset.now) || Date.now()) - Date.now();
    wear(chosen());
    all("[data-bulk]").forEach(count);
    setInterval(tell, 30000);
    zoned();
    picked();
    document.addEventListener("htmx:afterSwap", zoned);
    document.addEventListener("htmx:responseError", failed);
    document.addEventListener("htmx:sendError", failed);
    document.addEventListener("htmx:timeout", failed);
    document.addEventListener("htmx:beforeRequest", before);
    document.addEventListener("htmx:beforeSwap", swapping);
    document.addEventListener("htmx:afterSettle", () => all("[data-bulk]").forEach(count));
  });
  document.addEventListener("click", clicked);
  document.addEventListener("click", tick);
  document.addEventListener("submit", submitting, true);
  document.addEventListener("submit", sentAsUtc);
  addEventListener("pageshow", (event) => { if (event.persisted) picked(); });
  document.addEventListener("keydown", pressed);
  document.addEventListener("mouseover", localise);
  document.addEventListener("focusin", localise);
  window.bellwire = { toast };
})();
