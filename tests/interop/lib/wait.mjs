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
