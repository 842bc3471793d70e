// Keeps the part of a page that changes up to date: asks for it again as often as the server says,
// not at all while nobody looks, and tells when the server does not answer.
"use strict";

const live = document.getElementById("live");
const connection = document.getElementById("connection");
const policy = window.trustedTypes?.createPolicy("fragment", { createHTML: (html) => html });
let etag = live?.dataset.etag ?? null;
let timer = null;
let wanted = 0;
let lostAt = null;

// Every text in a fragment was escaped by the server.
function put(element, html) {
  const focused = document.activeElement?.id;
  const open = new Set([...element.querySelectorAll("details[open][id]")].map((each) => each.id));
  element.innerHTML = policy ? policy.createHTML(html) : html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function intervalMs() {
  const asked = Number(live.firstElementChild?.dataset.pollS) || 15;
  return 1000 * Math.max(asked, wanted, lostAt === null ? 0 : 5);
}

async function ask() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const headers = etag === null ? {} : { "If-None-Match": etag };
    const answer = await fetch(live.dataset.source, { headers, cache: "no-store" });
    if (answer.status === 200) {
      put(live, await answer.text());
      etag = answer.headers.get("ETag");
    } else if (answer.status !== 304) {
      throw new Error(String(answer.status));
    }
    wanted = Number(answer.headers.get("Retry-After")) || 0;
    lostAt = null;
    connection.textContent = "";
  } catch {
    lostAt ??= new Date();
    connection.textContent = `No answer from the server since ${lostAt.toLocaleTimeString()}; what you see is as old as that. Still trying.`;
  }
  timer = setTimeout(ask, intervalMs());
}

if (live) {
  document.addEventListener("visibilitychange", ask);
  timer = setTimeout(ask, intervalMs());
}

// A form that tells what it would come to while it is being filled in.
const form = document.querySelector("form[data-estimate]");
let typing = null;
let asking = null;

async function estimate() {
  asking?.abort();
  asking = new AbortController();
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.estimate, { method: "POST", body, signal: asking.signal });
    if (answer.ok) put(document.getElementById("estimate"), await answer.text());
  } catch {
    // Left as it is: an older request was given up, or the button will say what is wrong.
  }
}

if (form) {
  form.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(estimate, 400);
  });
  for (const select of form.querySelectorAll("[data-press]")) {
    select.addEventListener("change", () => document.getElementById(select.dataset.press).click());
  }
  if (document.getElementById("seed_set_id")?.value) estimate();
}
document.documentElement.classList.add("js");
document.getElementById("problems")?.focus();
