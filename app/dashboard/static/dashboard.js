// What pages do by themselves; each of them works without this file, only less conveniently.
"use strict";

// Keeps the part of a page that changes up to date: asks for it again as often as the server says,
// not at all while nobody looks, and tells when the server does not answer.

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
    } else if (answer.status === 401) {
      connection.textContent = "You are logged out; load the page again to log in.";
      return;
    } else if (answer.status === 404) {
      connection.textContent = "What this page showed is no longer there.";
      return;
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
  if (document.getElementById("seed_set_id")?.value) estimate();
}

// Keys of a page: each presses, ticks or opens what names it. Not while something is typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("textarea, select, input:not([type=checkbox])");
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const meant = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!meant) return;
  event.preventDefault();
  const opened = meant.matches("summary") ? meant.parentElement : null;
  meant.click();
  if (opened?.open) opened.querySelector("textarea, input")?.focus();
});

// A choice that brings other fields with it presses its button by itself.
for (const select of document.querySelectorAll("[data-press]")) {
  select.addEventListener("change", () => document.getElementById(select.dataset.press).click());
}

// A form whose answer takes a while says so, and is not sent twice.
for (const sending of document.querySelectorAll("[data-waits]")) {
  sending.addEventListener("submit", () => {
    sending.querySelector("[role=status]").textContent = "under way; large files take a while";
    sending.querySelector("button").disabled = true;
  });
}

// An upload that tells how far it is; without this, the browser sends the same form.
function upload(event) {
  event.preventDefault();
  const sending = event.target;
  const bar = sending.querySelector("progress");
  const said = document.getElementById("upload-said");
  const request = new XMLHttpRequest();
  request.open("POST", sending.action);
  request.responseType = "text";
  bar.hidden = false;
  request.upload.onprogress = (sent) => {
    bar.value = sent.total ? sent.loaded / sent.total : 0;
    said.textContent = bar.value < 1 ? `${Math.floor(100 * bar.value)} % sent` : "sent; it is being read";
  };
  request.onload = () => {
    if (new URL(request.responseURL).pathname === new URL(sending.action).pathname) {
      showAnswer(request.response, sending.querySelector("[type=file]").files);
    } else {
      location.assign(request.responseURL);
    }
  };
  request.onerror = () => {
    bar.hidden = true;
    said.textContent = "The server did not answer; nothing was stored. Try again.";
  };
  request.send(new FormData(sending));
}

// The answer is this page again, with what is wrong; the chosen file stays chosen.
function showAnswer(html, files) {
  const page = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
  document.querySelector("main").replaceChildren(...page.querySelector("main").childNodes);
  begin();
  const chooser = document.querySelector("[data-upload] [type=file]");
  if (chooser) chooser.files = files;
}

function begin() {
  document.querySelector("[data-upload]")?.addEventListener("submit", upload);
  document.getElementById("problems")?.focus();
}

document.documentElement.classList.add("js");
begin();
