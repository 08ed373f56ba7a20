/** Address: the opened picture in it, so that it can be sent, and Back closes the picture. */

const OPEN = "open";
const OURS = "picture"; // in the state of an entry that was made here

/** Id of the picture that the address opens, or null. */
export function opened() {
  const said = new URLSearchParams(location.search).get(OPEN);
  return said && /^\d{1,15}$/.test(said) ? Number(said) : null;
}

/** @param {number | null} id */
function addressWith(id) {
  const address = new URL(location.href);
  if (id === null) address.searchParams.delete(OPEN);
  else address.searchParams.set(OPEN, String(id));
  return address;
}

/**
 * Keeps the address and an opened picture alike.
 *
 * An opened picture is an entry of the history on top of its list's, and nothing is pushed on top of
 * it: to go back from it, or forward to it, is never another question.
 */
export class Address {
  /**
   * @param {(id: number | null) => void} show called when Back or Forward opens or closes
   * @param {() => boolean} isOpen whether a picture is open
   */
  constructor(show, isOpen) {
    this.pushed = false;
    /** @type {Promise<void>} until the browser has gone back from a picture that was closed */
    this.settled = Promise.resolve();
    this.arrived = () => {};
    this.listen = (/** @type {PopStateEvent} */ event) => {
      this.arrived();
      this.pushed = event.state?.[OURS] === true;
      const ours = this.pushed || isOpen();
      if (ours) event.stopImmediatePropagation(); // or Streamlit would ask for the same list anew
      if (ours) show(opened());
    };
    window.addEventListener("popstate", this.listen, true);
  }

  /** A picture was opened, or another one instead. @param {number} id @param {boolean} instead */
  open(id, instead) {
    if (opened() === id) return;
    if (instead) history.replaceState(history.state, "", addressWith(id));
    else {
      history.pushState({ ...history.state, [OURS]: true }, "", addressWith(id));
      this.pushed = true;
    }
  }

  /** The picture was closed: go back to before it was opened, if that was here. */
  close() {
    if (opened() === null) return;
    if (this.pushed) {
      this.settled = new Promise((done) => { this.arrived = done; });
      history.back();
    } else history.replaceState(history.state, "", addressWith(null));
    this.pushed = false;
  }

  /** Go to another page of the app, as a link within it does. @param {string} address */
  async leave(address) {
    await this.settled;
    history.pushState({}, "", address);
    window.dispatchEvent(new PopStateEvent("popstate"));
  }

  stop() {
    window.removeEventListener("popstate", this.listen, true);
  }
}
