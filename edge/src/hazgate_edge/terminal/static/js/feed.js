// The live stream as the page knows it: the last frame, how long it has been silent, how old its weight is.
//
// Rule: a weight older than STALE_MS is never shown, whatever failed. So the page trusts nothing but its own clock: it
// counts from the arrival of the last frame with a new number, and adds what the frame spent in queues on the way.

export const STALE_MS = 1000;
export const LOST_MS = 3000;

// Two honest clocks drift apart by less than this many ms per ms.
const DRIFT = 0.0002;

export class Feed {
  constructor(address, boot, heard) {
    this.address = address;
    this.boot = boot;
    this.heard = heard;
    this.frame = null;
    this.since = performance.now(); // when the last new number came
    this.least = null; // smallest difference seen between our clock and the server's: the way without queues
    this.leastAt = 0;
    this.source = null;
    this.openedAt = 0;
    this.open();
  }

  silentMs() {
    return performance.now() - this.since;
  }

  // Infinity when there is no weight.
  weightAgeMs() {
    if (!this.frame || this.frame.weight === "" || this.frame.age_ms === null) return Infinity;
    return this.frame.age_ms + this.frame.late_ms + this.silentMs();
  }

  // EventSource comes back by itself after a cut, but not after an error page or a link that hangs.
  tend() {
    const now = performance.now();
    if (this.silentMs() > LOST_MS && now - this.openedAt > LOST_MS) this.open();
  }

  open() {
    this.source?.close();
    this.openedAt = performance.now();
    this.least = null;
    this.source = new EventSource(this.address);
    this.source.onmessage = (event) => this.take(JSON.parse(event.data));
  }

  take(frame) {
    const now = performance.now();
    if (frame.boot !== this.boot) {
      // Another start of the program: its pages and tokens are new, so is ours after this.
      this.source.close();
      location.reload();
      return;
    }
    const apart = now - frame.sent_ms;
    const allowed = this.least === null ? apart : this.least + (now - this.leastAt) * DRIFT;
    this.least = Math.min(apart, allowed);
    this.leastAt = now;
    frame.late_ms = apart - this.least;
    if (this.frame === null || frame.number !== this.frame.number) this.since = now;
    this.frame = frame;
    this.heard(frame);
  }
}
