/** Algorithms that sign with one key and verify with another; `none` and the rest are not taken. */
export const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
] as const;
export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;
export type SecretAlgorithm = (typeof SECRET_ALGORITHMS)[number];

/** The least length of a secret: that of the hash. */
export const SECRET_BYTES: Readonly<Record<SecretAlgorithm, number>> = {
  HS256: 32,
  HS384: 48,
  HS512: 64,
};

/** Whether it signs with a secret that both sides know. */
export function isSecretAlgorithm(name: string): name is SecretAlgorithm {
  return Object.hasOwn(SECRET_BYTES, name);
}
