// JavaScript to be evaluated in a page: an expression as it is, a function as a call with these arguments.
export function expressionOf(code, args) {
  return typeof code === 'function' ? `(${code})(...${JSON.stringify(args)})` : code;
}
