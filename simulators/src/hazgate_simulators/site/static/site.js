// The page of the simulated weighing place: shows /api/events, posts what is pressed. No state of its own.
const $ = (id) => document.getElementById(id);

function tell(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

async function post(path, body) {
  let answer;
  try {
    answer = await fetch(`/api/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    return tell("模拟器没有应答，请重新启动。 The simulator does not answer; start it again.");
  }
  const reply = await answer.json();
  if (answer.ok) {
    tell("");
    return show(reply);
  }
  tell(typeof reply.detail === "string" ? `不能执行 Not done: ${reply.detail}` : "请输入公斤数，例如 12.34。 Write kilograms, for example 12.34.");
}

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

function showFaults(select, faults, current) {
  const names = faults.map((fault) => fault.name).join();
  if (select.dataset.names !== names) {
    select.dataset.names = names;
    select.replaceChildren(option("", "无 none"), ...faults.map((fault) => option(fault.name, fault.text)));
  }
  if (document.activeElement !== select) select.value = current ?? "";
  select.classList.toggle("on", Boolean(current));
}

function showDevices(devices) {
  $("devices").hidden = !devices;
  if (!devices) return;
  const select = $("device");
  if (select.options.length !== devices.choice.length) {
    select.replaceChildren(...devices.choice.map((one) => option(one.profile, `${one.profile} · ${one.zh} · ${one.en}`)));
  }
  if (document.activeElement !== select) select.value = devices.wanted ?? devices.current;
  select.disabled = Boolean(devices.wanted);
  $("switching").hidden = !devices.wanted;
  $("changed").replaceChildren(...devices.changed.map((sentence) => {
    const row = document.createElement("li");
    row.textContent = `${sentence.zh} ${sentence.en}`;
    return row;
  }));
}

function showFrames(frames) {
  $("frames").replaceChildren(...frames.map((frame) => {
    const row = document.createElement("li");
    for (const text of [frame.hex, frame.text]) {
      const cell = document.createElement("span");
      cell.textContent = text;
      cell.title = text;
      row.append(cell);
    }
    row.classList.toggle("unheard", !frame.heard);
    return row;
  }));
}

function showLabels(numbers) {
  $("no-labels").hidden = numbers.length > 0;
  if ($("labels").dataset.numbers === numbers.join()) return;
  $("labels").dataset.numbers = numbers.join();
  $("labels").replaceChildren(...numbers.map((number) => {
    const link = document.createElement("a");
    link.href = `/api/labels/${number}.png`;
    link.target = "_blank";
    const image = document.createElement("img");
    image.src = link.href;
    image.alt = `label ${number}`;
    link.append(image, `#${number}`);
    return link;
  }));
}

function show(state) {
  const scale = state.scale;
  const load = Number(scale.load_kg); // for the drawing only
  $("profile").textContent = scale.profile;
  $("profile").title = scale.title;
  $("address").textContent = scale.address;
  const [light, heard] = scale.fault === "unplug" ? ["lost", "已拔掉 unplugged"]
    : scale.listened_to === null ? ["on", ""]
    : scale.listened_to ? ["on", "已连接 connected"] : ["off", "无人监听 nobody listens"];
  document.querySelector(".dot").className = `dot ${light}`;
  $("heard").textContent = heard;

  const outside = scale.range !== "inside";
  $("shown").textContent = (outside ? (scale.range === "over" ? "¯¯¯¯¯¯" : "______") : scale.ready ? scale.shown : "------").padStart(8);
  $("unit").textContent = scale.unit;
  $("stable").classList.toggle("on", scale.stable && !outside);
  $("net").classList.toggle("on", scale.net_shown);
  $("over").classList.toggle("on", outside);
  $("captured").classList.toggle("on", scale.replay !== null);

  $("bag").classList.toggle("gone", load === 0);
  if (load > 0) {
    const size = Math.min(1.12, 0.5 + 0.62 * Math.sqrt(load / Number(scale.capacity)) * 1.3);
    $("bag").style.transform = `scale(${size})`;
    $("load").textContent = `${scale.load_kg} kg`;
  } else {
    $("bag").style.transform = "";
  }
  const truths = [`真实载荷 true load ${scale.load_kg} kg`, `最大秤量 capacity ${scale.capacity} kg`, `分度 division ${scale.division} kg`];
  if (scale.net_shown) truths.push(`皮重 tare ${scale.tare} ${scale.unit}`);
  if (scale.replay) truths.unshift(`回放 replaying “${scale.replay.case}” (${scale.replay.origin})`);
  $("truth").textContent = truths.join(" · ");

  $("replay").disabled = scale.replay_source === null;
  showFaults($("scale-fault"), scale.faults.map((fault) => ({ name: fault.name, text: `${fault.zh} · ${fault.en}` })), scale.fault);
  $("printer-fault-box").hidden = state.printer === null;
  $("printer-address").textContent = state.printer ? state.printer.address : "没有打印机 no printer";
  if (state.printer) showFaults($("printer-fault"), state.printer.faults.map((name) => ({ name, text: name })), state.printer.fault);
  showDevices(state.devices);
  $("count").textContent = `${scale.sent_count} 次发送 writes`;
  showFrames(scale.frames);
  showLabels(state.labels);
}

for (const button of document.querySelectorAll("[data-kg]")) button.onclick = () => post("load", { kg: button.dataset.kg });
for (const button of document.querySelectorAll("[data-post]")) button.onclick = () => post(button.dataset.post);
$("any").onsubmit = (event) => {
  event.preventDefault();
  post("load", { kg: $("kg").value.trim() });
};
$("device").onchange = (event) => { event.target.blur(); post("device", { profile: event.target.value }); };
$("scale-fault").onchange = (event) => { event.target.blur(); post("fault", { scale: event.target.value || null }); };
$("printer-fault").onchange = (event) => { event.target.blur(); post("fault", { printer: event.target.value || null }); };

const events = new EventSource("/api/events");
let lost = false;
events.onmessage = (event) => {
  if (lost) tell("");
  lost = false;
  show(JSON.parse(event.data));
};
events.onerror = () => {
  lost = true;
  document.querySelector(".dot").className = "dot lost";
  tell("与模拟器的连接断开，正在重连。 Lost the simulator; trying again.");
};
