module.exports = /** @type {any} */ (globalThis).requireOnce('playwright-core');
