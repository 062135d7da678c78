/**
 * A model whose denoiser is known in closed form: a mixture of isotropic Gaussians over the whole latent.
 * Everything in double precision, the answer rounded to float32.
 */
export type Mixture = {
  weights: readonly number[];
  std: readonly number[];
  /** one mean per component, each as long as a latent */
  means: readonly ArrayLike<number>[];
};

/** x = sqrt(a) x0 + sqrt(1 - a) n -> E[x0 | x], per picture of the batch */
export function mixtureX0(
  mixture: Mixture,
  x: ArrayLike<number>,
  a: number,
  root = Math.sqrt(a),
): Float64Array {
  const d = mixture.means[0]!.length;
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += d) {
    const logs = mixture.weights.map((w, k) => {
      const variance = a * mixture.std[k]! ** 2 + 1 - a;
      let distance = 0;
      for (let i = 0; i < d; i++) distance += (x[at + i]! - root * mixture.means[k]![i]!) ** 2;
      return Math.log(w) - (d / 2) * Math.log(variance) - distance / (2 * variance);
    });
    const top = Math.max(...logs);
    const exps = logs.map((l) => Math.exp(l - top));
    const sum = exps.reduce((total, e) => total + e, 0);
    for (const [k, e] of exps.entries()) {
      const r = e / sum;
      const s2 = mixture.std[k]! ** 2;
      const gain = (root * s2) / (a * s2 + 1 - a);
      for (let i = 0; i < d; i++) {
        const m = mixture.means[k]![i]!;
        out[at + i] = out[at + i]! + r * (m + gain * (x[at + i]! - root * m));
      }
    }
  }
  return out;
}

/** x̂0 in sigma space */
export function mixtureDenoise(mixture: Mixture, x: Float32Array, sigma: number): Float32Array {
  const a = 1 / (1 + sigma * sigma);
  const scaled = Float64Array.from(x, (v) => v / Math.sqrt(1 + sigma * sigma));
  return Float32Array.from(mixtureX0(mixture, scaled, a));
}

/** x̂0 of a flow, x = (1 - s) x0 + s n */
export function mixtureFlow(mixture: Mixture, x: Float32Array, s: number): Float32Array {
  const norm = (1 - s) ** 2 + s ** 2;
  const scaled = Float64Array.from(x, (v) => v / Math.sqrt(norm));
  return Float32Array.from(mixtureX0(mixture, scaled, (1 - s) ** 2 / norm));
}

/** ᾱ at a possibly fractional timestep: linear in log σ between neighbours */
export function alphaAt(alphas: ArrayLike<number>, t: number): number {
  const low = Math.min(Math.max(Math.floor(t), 0), alphas.length - 1);
  if (low === t || low === alphas.length - 1) return alphas[low]!;
  const logSigma = (a: number): number => 0.5 * Math.log((1 - a) / a);
  const w = t - low;
  const s = Math.exp((1 - w) * logSigma(alphas[low]!) + w * logSigma(alphas[low + 1]!));
  return 1 / (1 + s * s);
}

export type Kind = 'epsilon' | 'v_prediction' | 'sample' | 'flow_prediction';

/** what a network trained on the mixture would answer at timestep t */
export function mixtureNetwork(
  mixture: Mixture,
  alphas: ArrayLike<number>,
  x: Float32Array,
  t: number,
  kind: Kind,
): Float32Array {
  if (kind === 'flow_prediction') {
    const s = t / 1000;
    const x0 = mixtureFlow(mixture, x, s);
    return x.map((v, i) => (v - x0[i]!) / s);
  }
  const a = alphaAt(alphas, t);
  const x0 = mixtureX0(mixture, x, a);
  if (kind === 'sample') return Float32Array.from(x0);
  return Float32Array.from(x0, (v, i) => {
    const eps = (x[i]! - Math.sqrt(a) * v) / Math.sqrt(1 - a);
    return kind === 'epsilon' ? eps : Math.sqrt(a) * eps - Math.sqrt(1 - a) * v;
  });
}
