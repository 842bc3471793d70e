// Keeps the part of a page that changes up to date: asks for it again as often as the server says,
// not at all while nobody looks, and tells when the server does not answer.
"use strict";

const live = document.getElementById("live");
const connection = document.getElementById("connection");
let etag = null;
let timer = null;
let lostAt = null;

function intervalMs() {
  const seconds = Number(live.firstElementChild?.dataset.pollS) || 15;
  return 1000 * (lostAt === null ? seconds : Math.max(seconds, 5));
}

function show(html) {
  const focused = document.activeElement?.id;
  live.innerHTML = html; // every text in it was escaped by the server
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

async function ask() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const headers = etag === null ? {} : { "If-None-Match": etag };
    const answer = await fetch(live.dataset.source, { headers, cache: "no-store" });
    if (answer.status === 200) {
      show(await answer.text());
      etag = answer.headers.get("ETag");
    } else if (answer.status !== 304) {
      throw new Error(String(answer.status));
    }
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
