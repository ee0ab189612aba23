// Asks about a text on each pause of typing. Only the newest answer counts.

/** How long nobody types before the server is asked, and before it is asked again where it did not answer. */
const PAUSE = 300;
const AGAIN = 5000;

/** A checker: `ask(signal)` gives an answer, `shown(answer)` takes the newest one, `failed(error)` what went wrong. */
export function makeChecker({ ask, shown, failed, begun }) {
  let timer = 0;
  let flight = null;

  /** Asks at once; the request that is out is dropped. Gives the answer, or null where another one overtook it. */
  async function now() {
    clearTimeout(timer);
    flight?.abort();
    const own = new AbortController();
    flight = own;
    begun();
    try {
      const answer = await ask(own.signal);
      if (flight !== own) return null;
      flight = null;
      shown(answer);
      return answer;
    } catch (error) {
      if (flight !== own) return null;
      flight = null;
      failed(error);
      if (error.status === 0 || error.status >= 500) timer = setTimeout(now, AGAIN);
      return null;
    }
  }

  /** Asks after a pause. */
  function soon() {
    clearTimeout(timer);
    flight?.abort();
    flight = null;
    timer = setTimeout(now, PAUSE);
  }

  return { now, soon };
}
