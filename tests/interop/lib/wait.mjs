// Waiting with an end: nothing in a test may hang.

// The promise's outcome, or an error that says what did not happen in time. `hint` may add what is known then.
export function within(milliseconds, what, promise, hint = () => '') {
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${milliseconds} ms ${hint()}`)), milliseconds);
  });
  return Promise.race([promise, expired]).finally(() => clearTimeout(timer));
}

export const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

// What `look` gives once it is not false, which is asked again and again; else an error after `milliseconds`.
export async function until(milliseconds, what, look, hint = () => '') {
  for (const end = Date.now() + milliseconds; ; await sleep(50)) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${milliseconds} ms ${hint()}`);
  }
}
