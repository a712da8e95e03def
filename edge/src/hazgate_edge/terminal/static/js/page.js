// What both pages share: the stream, the bars at the top, the operator, the overlay when nothing answers, the cards.

import { Feed, LOST_MS } from "./feed.js";
import { sound } from "./sound.js";

const BEAT_MS = 100;
const CARD_LEAST_MS = 2500;
const CARD_MOST_MS = 8000;
const TOAST_MS = 2500;
const SCAN_TOAST_MS = 6000;
const RETRY_MS = 2000;
const PHOTO_SIDE_MAX = 2048;

export const element = (id) => document.getElementById(id);
export const words = JSON.parse(element("page-words").textContent);

export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export function drawIcon(target, name) {
  if (target.dataset.icon === name) return;
  target.dataset.icon = name;
  target.replaceChildren(element(`icon-${name}`).content.cloneNode(true));
}

// Starts the page; draw(frame, feed) runs at every frame and ten times a second in between.
export function start(draw) {
  let records = Number(document.body.dataset.records);
  let scanned; // the number of the last scan; what was scanned before the page opened is no news
  const feed = new Feed(`/live?lang=${encodeURIComponent(document.documentElement.lang)}`, document.body.dataset.boot, (frame) => {
    drawTop(frame);
    if (records !== frame.records) announceRecords();
    records = frame.records;
    const number = frame.scanned?.number ?? 0;
    if (scanned !== undefined && number > scanned) showScan(frame.scanned);
    scanned = number;
    beat();
  });
  const beat = () => {
    drawLost(feed);
    tendCard(feed.frame);
    draw(feed.frame, feed);
  };
  setInterval(() => {
    feed.tend();
    beat();
  }, BEAT_MS);
  document.addEventListener("visibilitychange", beat);
  document.body.addEventListener("htmx:finally:request", (event) => {
    // A list that could not be fetched is asked for again a little later.
    const ctx = event.detail.ctx;
    if (ctx.request.method === "GET" && !ctx.response?.raw.ok) setTimeout(() => (records = -1), RETRY_MS);
  });
  watchCards();
  chooseOperator();
  offerPhoto();
  beat();
  return feed;
}

export function announceRecords() {
  document.body.dispatchEvent(new CustomEvent("records-changed"));
}

function drawTop(frame) {
  const chips = element("chips");
  const state = JSON.stringify(frame.chips);
  if (chips.dataset.state !== state) {
    chips.dataset.state = state;
    chips.replaceChildren(...frame.chips.map(drawChip));
  }
  setText(element("sync-pending"), String(frame.sync.pending));
  setText(element("sync-refused"), String(frame.sync.refused));
  setText(element("sync-confirmed"), frame.sync.confirmed);
  element("sync-refused-box").classList.toggle("alarm", frame.sync.refused > 0);
  setText(element("clock"), frame.clock);
}

function drawChip(chip) {
  const item = document.createElement("li");
  item.className = `chip light-${chip.light}`;
  item.dataset.chip = chip.name;
  const mark = document.createElement("i");
  const name = document.createElement("span");
  name.textContent = chip.title;
  const state = document.createElement("b");
  state.textContent = chip.word;
  item.append(mark, name, state);
  return item;
}

function drawLost(feed) {
  const silent = feed.silentMs();
  const lost = element("lost");
  lost.hidden = silent <= LOST_MS;
  if (lost.hidden) return;
  const said = words.say.lost;
  setText(element("lost-what"), said.what.replace("{n}", String(Math.floor(silent / 1000))));
  setText(element("lost-safe"), said.safe);
  setText(element("lost-act"), said.act);
}

// Cards: an answer lies over the page until it is read. A saved one goes by itself when the bag is off the pan.
let shownAt = 0;

export function cardIsUp() {
  return element("result").firstElementChild !== null;
}

export function closeCard() {
  element("result").replaceChildren();
}

export function showCard(said) {
  const card = document.createElement("article");
  card.className = "card";
  card.dataset.outcome = "refused";
  card.dataset.key = said.key;
  const band = document.createElement("header");
  band.className = "band tone-fault";
  band.append(element("icon-fault").content.cloneNode(true));
  const head = document.createElement("div");
  head.append(line("h1", said.what), line("p", said.safe));
  band.append(head);
  const body = document.createElement("div");
  body.className = "card-body words";
  const act = line("p", said.act);
  act.className = "do";
  body.append(act, line("code", said.key));
  const foot = document.createElement("footer");
  const button = line("button", words.word.understood);
  button.type = "button";
  button.className = "primary";
  button.dataset.close = "";
  foot.append(button);
  card.append(band, body, foot);
  element("result").replaceChildren(card);
}

// A scan read by the box: our own bag's card, or in words what the code is. Scanned text is only ever text.
function showScan(scan) {
  if (scan.rid !== "") {
    window.htmx.ajax("GET", `/scanned/${encodeURIComponent(scan.rid)}`, { target: "#result", swap: "innerHTML" });
    return;
  }
  const toast = document.createElement("article");
  toast.className = `toast band tone-${scan.said.tone}`;
  toast.dataset.outcome = "scan";
  toast.dataset.key = scan.said.key;
  toast.append(element("icon-warn").content.cloneNode(true));
  const head = document.createElement("div");
  head.append(line("h1", scan.said.what), line("p", scan.said.act));
  toast.append(head);
  element("result").replaceChildren(toast);
}

// A photo made smaller before it is sent: a code needs no more pixels, and the box takes no more bytes.
function offerPhoto() {
  const input = element("photo");
  if (!input) return;
  input.addEventListener("change", async () => {
    const file = input.files[0];
    input.value = "";
    if (file) await sendPhoto(file).catch(() => showCard(words.say.photo));
  });
}

async function sendPhoto(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, PHOTO_SIDE_MAX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const body = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  const token = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
  const headers = { ...token, "Content-Type": "image/jpeg", "HX-Request": "true" };
  const answer = await fetch("/scan/photo", { method: "POST", headers, body });
  // What the photo shows comes back over the stream, as from any scanner; only a refusal is answered here.
  if (!answer.ok) showCard(answer.status === 422 ? JSON.parse(await answer.text()) : words.say.photo);
}

function line(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function watchCards() {
  const result = element("result");
  new MutationObserver(() => {
    const card = result.firstElementChild;
    if (!card) return;
    shownAt = performance.now();
    sound(card.dataset.outcome !== "refused" && card.dataset.outcome !== "scan");
  }).observe(result, { childList: true });
  result.addEventListener("click", (event) => {
    if (event.target.closest("[data-close], [data-outcome=scan]")) closeCard();
  });
}

function tendCard(frame) {
  const card = element("result").firstElementChild;
  if (!card || card.dataset.outcome === "refused") return;
  const up = performance.now() - shownAt;
  if (card.dataset.outcome === "done") {
    if (up > TOAST_MS) closeCard();
    return;
  }
  if (card.dataset.outcome === "scan") {
    if (up > SCAN_TOAST_MS) closeCard();
    return;
  }
  const held = card.querySelector("[data-hold]") !== null;
  card.classList.toggle("held", held);
  if (held) return;
  const taken = frame?.phase === "empty" && card.dataset.outcome !== "bag";
  if (up > CARD_MOST_MS || (taken && up > CARD_LEAST_MS)) closeCard();
}

function chooseOperator() {
  const field = element("operator");
  const dialog = element("operators");
  const names = [...dialog.querySelectorAll("[data-operator]")].map((button) => button.dataset.operator);
  const take = (name) => {
    field.value = name;
    setText(element("operator-name"), name || words.word.choose);
    if (name) sessionStorage.setItem("operator", name);
  };
  const kept = sessionStorage.getItem("operator");
  take(names.includes(kept) ? kept : field.value);
  element("operator-open").addEventListener("click", () => {
    if (names.length > 0) dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-operator]");
    if (chosen) take(chosen.dataset.operator);
    if (chosen || event.target.closest("[data-dismiss]")) dialog.close();
  });
}

export function operatorMissing() {
  return element("operator").value === "" && element("operators").querySelector("[data-operator]") !== null;
}
