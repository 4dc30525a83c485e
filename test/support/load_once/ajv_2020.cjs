module.exports = /** @type {any} */ (globalThis).requireOnce('ajv/dist/2020.js');
