// The weighing page: draws the weight, keeps the choices, and lets the main button live only when a press would count.

import { STALE_MS } from "./feed.js";
import { cardIsUp, drawIcon, element, operatorMissing, setText, showCard, start, words } from "./page.js";

const choice = { waste: "", container: "" };
let pressing = false;

// The key of a press names it until the box has answered for certain; then the next press gets a new one. It outlives
// a reload, so that a press whose answer got lost is never booked a second time.
function requestKey() {
  let key = sessionStorage.getItem("request");
  if (!key) {
    key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("request", key);
  }
  return key;
}

function chooseWaste(code) {
  const tile = document.querySelector(`[data-waste="${CSS.escape(code)}"]`);
  if (!tile) return;
  choice.waste = code;
  for (const each of document.querySelectorAll("[data-waste]")) each.setAttribute("aria-pressed", String(each === tile));
  localStorage.setItem("waste", code);
  const offered = tile.dataset.containers.split(" ").filter(Boolean);
  const buttons = [...document.querySelectorAll("[data-container]")];
  for (const each of buttons) each.hidden = offered.length > 0 && !offered.includes(each.dataset.container);
  element("container-later").hidden = true;
  const open = buttons.filter((each) => !each.hidden).map((each) => each.dataset.container);
  const kept = localStorage.getItem(`container:${code}`);
  const usual = offered.find((id) => open.includes(id)) ?? open[0] ?? "";
  chooseContainer(open.includes(kept) ? kept : usual);
}

function chooseContainer(id) {
  choice.container = id;
  for (const each of document.querySelectorAll("[data-container]")) {
    each.setAttribute("aria-pressed", String(each.dataset.container === id));
  }
  if (choice.waste && id) localStorage.setItem(`container:${choice.waste}`, id);
}

// Why the button is dead, the one to act on first: what is broken, then what must be chosen, then what to wait for.
function reasons(frame, feed) {
  if (!frame || feed.silentMs() > STALE_MS) return [words.say.stale];
  const found = frame.blocked.filter((said) => said.tone === "fault" || said.tone === "warn");
  if (operatorMissing()) found.push(words.say.operator);
  if (!choice.waste) found.push(words.say.waste);
  const low = frame.numbers[choice.waste];
  if (low && low.tone === "fault") found.push(low);
  found.push(...frame.blocked.filter((said) => said.tone === "wait" || said.tone === "done"));
  if (found.length === 0 && feed.weightAgeMs() > STALE_MS) found.push(words.say.stale);
  return found;
}

function drawScale(frame, feed) {
  const fresh = frame !== null && feed.silentMs() <= STALE_MS && feed.weightAgeMs() <= STALE_MS;
  const scale = element("scale");
  setText(element("weight"), fresh ? frame.weight : "— —");
  setText(element("unit"), fresh ? frame.unit : "");
  scale.classList.toggle("long", fresh && frame.weight.length > 6);
  const state = !fresh ? "none" : frame.stable === true ? "stable" : frame.stable === false ? "moving" : "unknown";
  scale.dataset.state = state;
  const said = { none: "no_weight", stable: "stable", moving: "moving", unknown: "unknown_motion" }[state];
  setText(element("motion-word"), words.word[said]);
  if (frame) setText(element("mode"), frame.mode);
}

function drawNotices(frame) {
  const list = element("notices");
  if (!frame) return;
  const low = frame.numbers[choice.waste];
  const notices = low && low.tone === "warn" ? [low, ...frame.notices] : frame.notices;
  const state = JSON.stringify(notices);
  if (list.dataset.state === state) return;
  list.dataset.state = state;
  list.replaceChildren(
    ...notices.slice(0, 2).map((said) => {
      const item = document.createElement("li");
      item.className = `notice tone-${said.tone}`;
      item.append(element(said.tone === "fault" ? "icon-fault" : "icon-warn").content.cloneNode(true));
      const text = document.createElement("div");
      const what = document.createElement("b");
      what.textContent = said.what;
      const more = document.createElement("span");
      more.textContent = [said.safe, said.act].filter(Boolean).join(" · ");
      text.append(what, more);
      item.append(text);
      return item;
    }),
  );
}

function drawButton(frame, feed) {
  const button = element("main-button");
  const found = reasons(frame, feed);
  const first = found[0];
  const alive = !first && !pressing && !cardIsUp();
  button.disabled = !alive;
  if (pressing) {
    button.dataset.tone = "wait";
    drawIcon(element("main-icon"), "wait");
    setText(element("main-what"), words.word.saving);
    setText(element("main-act"), "");
    setText(element("also"), "");
    return;
  }
  button.dataset.tone = first ? first.tone : "go";
  drawIcon(element("main-icon"), first ? first.tone : "done");
  setText(element("main-what"), first ? first.what : words.word.weigh);
  setText(element("main-act"), first ? first.act : words.word.weigh_hint);
  // Beside the reason: what else is wrong, or, where nothing is, that the records are safe and the code to look up.
  const aside = found.slice(1, 3).map((said) => `+ ${said.what}`);
  if (aside.length === 0 && first && first.tone === "fault") aside.push(first.safe, first.key);
  setText(element("also"), aside.join("\n"));
}

function draw(frame, feed) {
  drawScale(frame, feed);
  drawNotices(frame);
  drawButton(frame, feed);
}

document.addEventListener("click", (event) => {
  const tile = event.target.closest("[data-waste]");
  if (tile) chooseWaste(tile.dataset.waste);
  const container = event.target.closest("[data-container]");
  if (container) chooseContainer(container.dataset.container);
});

const form = element("weigh");
const feed = start(draw);

// Capture: the fields are filled in and the press is judged before htmx sees it.
form.addEventListener(
  "submit",
  (event) => {
    if (pressing || reasons(feed.frame, feed).length > 0) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    pressing = true;
    element("waste").value = choice.waste;
    element("container").value = choice.container;
    element("request-key").value = requestKey();
    draw(feed.frame, feed);
  },
  { capture: true },
);

form.addEventListener("htmx:finally:request", (event) => {
  if (event.detail.ctx.sourceElement !== form) return;
  pressing = false;
  const status = event.detail.ctx.response?.status ?? 0;
  if (status >= 200 && status < 500) sessionStorage.removeItem("request");
  else showCard(words.say.no_answer);
  draw(feed.frame, feed);
});

const kept = localStorage.getItem("waste");
if (kept) chooseWaste(kept);
draw(feed.frame, feed);
