/** The quantile function of the beta distribution (scipy.stats.beta.ppf), to about 1e-14. */

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
] as const;

/** ln Γ(x) for x > 0, Lanczos' approximation (g = 7, n = 9) */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum: number = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (x - 1 + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The continued fraction of the incomplete beta function, by Lentz' method. */
function fraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / guard(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + even * d);
    c = guard(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + odd * d);
    c = guard(1 + odd / c);
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return h;

  function guard(value: number): number {
    return Math.abs(value) < tiny ? tiny : value;
  }
}

/** Regularised incomplete beta function I_x(a, b), 0 <= x <= 1. */
function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  if (x < (a + 1) / (a + b + 2)) return (front * fraction(a, b, x)) / a;
  return 1 - (front * fraction(b, a, 1 - x)) / b;
}

/** Schedules ask for few of them, for every picture and every price. */
const known = new Map<string, number>();
const MOST_KNOWN = 10_000;

/** The x with I_x(a, b) = p; a, b > 0, 0 <= p <= 1. */
export function betaQuantile(p: number, a: number, b: number): number {
  const key = `${p} ${a} ${b}`;
  let quantile = known.get(key);
  if (quantile === undefined) {
    quantile = searchQuantile(p, a, b);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, quantile);
  }
  return quantile;
}

/** By bisection, so that no start value can mislead it. */
function searchQuantile(p: number, a: number, b: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  if (a === b && p === 0.5) return 0.5;
  // Near 1 the complement keeps the digits that 1 - x would lose.
  if (p > betaCdf(0.5, a, b)) return 1 - searchQuantile(1 - p, b, a);
  // In ln x, because x reaches below 1e-12 for small p and a < 1.
  let low = -745;
  let high = Math.log(0.5);
  for (let i = 0; i < 200 && high - low > 1e-16 * Math.max(1, -low); i++) {
    const middle = (low + high) / 2;
    if (betaCdf(Math.exp(middle), a, b) < p) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}
