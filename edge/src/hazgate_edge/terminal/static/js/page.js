// What both pages share: the stream, the bars at the top, the operator, the overlay when nothing answers, the cards.

import { Feed, LOST_MS } from "./feed.js";
import { sound } from "./sound.js";

const BEAT_MS = 100;
const CARD_LEAST_MS = 2500;
const CARD_MOST_MS = 8000;
const TOAST_MS = 2500;
const RETRY_MS = 2000;

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
  const feed = new Feed(`/live?lang=${encodeURIComponent(document.documentElement.lang)}`, document.body.dataset.boot, (frame) => {
    drawTop(frame);
    if (records !== frame.records) announceRecords();
    records = frame.records;
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
    sound(card.dataset.outcome !== "refused");
  }).observe(result, { childList: true });
  result.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) closeCard();
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
  const held = card.querySelector("[data-hold]") !== null;
  card.classList.toggle("held", held);
  if (held) return;
  const taken = frame?.phase === "empty";
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
