// The core's event stream: recovers by itself, rests while nobody looks.

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15000;
// A dead connection may look open for minutes: after this much silence it is made anew.
const SILENCE_MS = 45000;

export class LiveStream {
  #source = null;
  #timer = null;
  #retryMs = FIRST_RETRY_MS;
  #wasLost = false;

  // onMetrics(metrics); onLost(); onLive(wasLost): wasLost says that readings may have been missed.
  constructor(url, { onMetrics, onLost, onLive }) {
    this.url = url;
    this.onMetrics = onMetrics;
    this.onLost = onLost;
    this.onLive = onLive;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.#open()));
    // A page in the back-forward cache must not hold one of the few connections to the core.
    addEventListener("pagehide", () => this.#rest());
    addEventListener("pageshow", (event) => event.persisted && this.#open());
    addEventListener("online", () => document.hidden || this.#open());
    if (!document.hidden) this.#open();
  }

  #open() {
    this.#close();
    const source = new EventSource(this.url);
    this.#source = source;
    source.addEventListener("open", () => {
      this.#retryMs = FIRST_RETRY_MS;
      this.#watchSilence();
      this.onLive(this.#wasLost);
      this.#wasLost = false;
    });
    source.addEventListener("metrics", (event) => {
      this.#watchSilence();
      this.onMetrics(JSON.parse(event.data).metrics);
    });
    source.addEventListener("heartbeat", () => this.#watchSilence());
    // The browser's own retry gives up on an error status, so every retry is ours.
    source.addEventListener("error", () => this.#retry());
  }

  #retry() {
    this.#close();
    this.#wasLost = true;
    this.onLost();
    this.#timer = setTimeout(() => this.#open(), this.#retryMs);
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  #watchSilence() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#wasLost = true;
      this.#open();
    }, SILENCE_MS);
  }

  #rest() {
    this.#close();
    this.#wasLost = true;
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
