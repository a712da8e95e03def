// The weighbridge's page: draws weight, stage and light, takes the plate, and lets the button live only when a press counts.

import { STALE_MS } from "./feed.js";
import { cardIsUp, drawIcon, element, operatorMissing, setText, showCard, start, words } from "./page.js";

const PLATE_MOST = 12;
const AXLES_LEAST = 2;
// plate: as it stands. offered: what a ticket filled in, to see a correction. ticket: chosen, "" = by the plate.
const entry = { plate: "", offered: "", ticket: "", fresh: false };
let pressing = false;

// As weigh.js has it: the key names a press until the box has answered for certain, also over a reload.
function requestKey() {
  let key = sessionStorage.getItem("vehicle-request");
  if (!key) {
    key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("vehicle-request", key);
  }
  return key;
}

function openTicket() {
  const open = [...document.querySelectorAll('[data-ticket][data-state="open"]')];
  if (entry.fresh) return null;
  if (entry.ticket) return open.find((one) => one.dataset.ticket === entry.ticket) ?? null;
  return open.find((one) => one.dataset.plate === entry.plate) ?? null;
}

function setPlate(text) {
  entry.plate = text;
  entry.ticket = "";
}

function clearEntry() {
  entry.plate = entry.offered = entry.ticket = "";
  entry.fresh = false;
  element("manifest").value = "";
}

function drawEntry() {
  setText(element("plate-shown"), entry.plate || "—");
  setText(element("plate-line"), entry.plate || "—");
  element("fresh").setAttribute("aria-pressed", String(entry.fresh));
  const ticket = openTicket();
  const said = ticket ? `${words.word.second_weighing} · ${ticket.dataset.opened} ${ticket.dataset.first}` : words.word.first_weighing;
  setText(element("pairing"), entry.plate ? said : "");
  for (const one of document.querySelectorAll("[data-ticket]")) one.setAttribute("aria-pressed", String(one === ticket));
}

function drawWeight(frame, feed) {
  const fresh = frame !== null && feed.silentMs() <= STALE_MS && feed.weightAgeMs() <= STALE_MS;
  setText(element("weight"), fresh ? frame.weight : "— —");
  setText(element("unit"), fresh ? frame.unit : "");
  element("scale").classList.toggle("long", fresh && frame.weight.length > 6);
  const state = !fresh ? "none" : frame.stable === true ? "stable" : frame.stable === false ? "moving" : "unknown";
  element("scale").dataset.state = state;
  setText(element("motion-word"), words.word[{ none: "no_weight", stable: "stable", moving: "moving", unknown: "unknown_motion" }[state]]);
  if (!frame || !frame.bridge) return;
  setText(element("mode"), frame.mode);
  setText(element("stage"), frame.bridge.stage);
  element("lamp").dataset.green = String(frame.bridge.green && feed.silentMs() <= STALE_MS);
  element("axles").hidden = !frame.bridge.by_axles;
  setText(element("axle-sum"), frame.bridge.axles > 0 ? `${frame.bridge.axles} · ${frame.bridge.sum}` : "");
  element("keep-axle").disabled = frame.blocked.length > 0 || !fresh;
  element("drop-axles").disabled = frame.bridge.axles === 0;
}

function reasons(frame, feed) {
  if (!frame || !frame.bridge || feed.silentMs() > STALE_MS) return [words.say.stale];
  const axles = frame.bridge.by_axles;
  const found = axles ? [] : frame.blocked.filter((said) => said.tone === "fault" || said.tone === "warn");
  if (operatorMissing()) found.push(words.say.operator);
  if (!entry.plate) found.push(words.say.plate);
  if (!axles) found.push(...frame.blocked.filter((said) => said.tone === "wait" || said.tone === "done"));
  if (axles && frame.bridge.axles < AXLES_LEAST) found.push(words.say.axles);
  if (!axles && found.length === 0 && feed.weightAgeMs() > STALE_MS) found.push(words.say.stale);
  return found;
}

function drawNotices(frame) {
  if (!frame) return;
  const list = element("notices");
  const state = JSON.stringify(frame.notices);
  if (list.dataset.state === state) return;
  list.dataset.state = state;
  list.replaceChildren(
    ...frame.notices.slice(0, 1).map((said) => {
      const item = document.createElement("li");
      item.className = `notice tone-${said.tone}`;
      const what = document.createElement("b");
      what.textContent = `${said.what} · ${said.act}`;
      item.append(what);
      return item;
    }),
  );
}

function drawButton(frame, feed) {
  const button = element("main-button");
  const found = reasons(frame, feed);
  const first = found[0];
  button.disabled = Boolean(first) || pressing || cardIsUp();
  button.dataset.tone = pressing ? "wait" : first ? first.tone : "go";
  drawIcon(element("main-icon"), pressing ? "wait" : first ? first.tone : "done");
  const ready = openTicket() ? words.word.second_weighing : words.word.first_weighing;
  setText(element("main-what"), pressing ? words.word.saving : first ? first.what : ready);
  setText(element("main-act"), pressing ? "" : first ? first.act : entry.plate);
  setText(element("also"), found.slice(1, 3).map((said) => `+ ${said.what}`).join("\n"));
}

function draw(frame, feed) {
  drawWeight(frame, feed);
  drawEntry();
  drawNotices(frame);
  drawButton(frame, feed);
}

const dialog = element("plate-keys");
function showKeys(first) {
  element("keys-first").hidden = !first;
  element("keys-rest").hidden = first;
}

document.addEventListener("click", (event) => {
  const ticket = event.target.closest("[data-ticket]");
  if (ticket && !ticket.disabled) {
    entry.plate = entry.offered = ticket.dataset.plate;
    entry.ticket = ticket.dataset.ticket;
    entry.fresh = false;
  }
  const key = event.target.closest("[data-key]");
  if (key && entry.plate.length < PLATE_MOST) {
    setPlate(entry.plate + key.dataset.key);
    showKeys(false);
  }
  if (event.target.closest("#plate-keys [data-dismiss]")) dialog.close();
  draw(feed.frame, feed);
});
element("plate-open").addEventListener("click", () => {
  showKeys(entry.plate === "");
  dialog.showModal();
});
element("plate-back").addEventListener("click", () => {
  setPlate(entry.plate.slice(0, -1));
  if (entry.plate === "") showKeys(true);
});
element("plate-clear").addEventListener("click", () => {
  setPlate("");
  showKeys(true);
});
element("plate-swap").addEventListener("click", () => showKeys(element("keys-first").hidden));
element("fresh").addEventListener("click", () => {
  entry.fresh = !entry.fresh;
  if (entry.fresh) entry.ticket = "";
});

const form = element("weigh");
const feed = start(draw);

form.addEventListener(
  "submit",
  (event) => {
    if (pressing || reasons(feed.frame, feed).length > 0) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    pressing = true;
    element("plate").value = entry.plate;
    element("corrected").value = entry.offered !== "" && entry.offered !== entry.plate ? "yes" : "";
    element("ticket").value = entry.fresh ? "new" : (openTicket()?.dataset.ticket ?? "");
    element("request-key").value = requestKey();
    draw(feed.frame, feed);
  },
  { capture: true },
);

form.addEventListener("htmx:finally:request", (event) => {
  if (event.detail.ctx.sourceElement !== form) return;
  pressing = false;
  const status = event.detail.ctx.response?.status ?? 0;
  if (status >= 200 && status < 500) sessionStorage.removeItem("vehicle-request");
  else showCard(words.say.no_answer);
  if (status === 200) clearEntry();
  draw(feed.frame, feed);
});

draw(feed.frame, feed);
