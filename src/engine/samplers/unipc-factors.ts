/** The coefficients of UniPC: order conditions solved for predictor and corrector. */

/** the variants with one B(h): solves the order conditions for the ρ of predictor and corrector */
export function bhFactors(
  rks: readonly number[],
  hh: number,
  alpha: number,
  variant: 'bh1' | 'bh2',
  useCorrector: boolean,
): { predictor: number[]; corrector: number[] } {
  const order = rks.length;
  const bh = variant === 'bh1' ? hh : Math.expm1(hh);
  const rows: number[][] = [];
  const right: number[] = [];
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  for (let i = 1; i <= order; i++) {
    rows.push(rks.map((rk) => rk ** (i - 1)));
    right.push((phi * factorial) / bh);
    factorial *= i + 1;
    phi = phi / hh - 1 / factorial;
  }
  // Orders 2 and 1 take a half, as the paper simplifies them.
  let predictor: number[] = [];
  if (order === 2) predictor = [0.5];
  else if (order > 2) {
    const inner = rows.slice(0, -1).map((row) => row.slice(0, -1));
    predictor = solve(inner, right.slice(0, -1));
  }
  const corrector = !useCorrector ? [] : order === 1 ? [0.5] : solve(rows, right);
  const scale = (rho: number, k: number): number => (-alpha * bh * rho) / rks[k]!;
  return { predictor: predictor.map(scale), corrector: corrector.map(scale) };
}

/** the variant whose coefficients vary with every past step */
export function varyingFactors(
  rks: readonly number[],
  hh: number,
  alpha: number,
  useCorrector: boolean,
): { predictor: number[]; corrector: number[] } {
  const order = rks.length;
  const phis: number[] = [];
  let phi = Math.expm1(hh);
  let factorial = 1;
  for (let k = 1; k <= order + 1; k++) {
    phis.push(phi);
    phi = phi / hh - 1 / factorial;
    factorial *= k + 1;
  }
  // Column k of C is rks^(k) / (k + 1)!; its inverse weighs the differences.
  const columns: number[][] = [];
  let column = rks.map(() => 1);
  for (let k = 1; k <= order; k++) {
    columns.push(column);
    column = column.map((c, i) => (c * rks[i]!) / (k + 1));
  }
  /** row k of the inverse of C's leading block */
  const inverseRow = (size: number, k: number): number[] => {
    const transposed = Array.from({ length: size }, (_, j) => columns[j]!.slice(0, size));
    return solve(
      transposed,
      Array.from({ length: size }, (_, j) => (j === k ? 1 : 0)),
    );
  };
  const weigh = (size: number, inner: number): number[] => {
    const sums = Array.from({ length: inner }, () => 0);
    for (let k = 0; k < inner; k++) {
      const row = inverseRow(size, k);
      for (let j = 0; j < inner; j++) sums[j] = sums[j]! + phis[k + 1]! * row[j]!;
    }
    return sums;
  };
  const scale = (y: number, k: number): number => (-alpha * y) / rks[k]!;
  const predictor = order > 1 ? weigh(order - 1, order - 1).map(scale) : [];
  if (!useCorrector) return { predictor, corrector: [] };
  const corrector = weigh(order, order - 1).map(scale);
  // The reference takes the newest difference's weight from the last row but one.
  const row = inverseRow(order, Math.max(order - 2, 0));
  corrector.push(-alpha * phis[order]! * row[order - 1]!);
  return { predictor, corrector };
}

/** Gaussian elimination with pivoting, for the few equations of one step */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const n = rows.length;
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) {
      if (Math.abs(rows[r]![c]!) > Math.abs(rows[pivot]![c]!)) pivot = r;
    }
    [rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!];
    for (let r = c + 1; r < n; r++) {
      const factor = rows[r]![c]! / rows[c]![c]!;
      for (let k = c; k <= n; k++) rows[r]![k] = rows[r]![k]! - factor * rows[c]![k]!;
    }
  }
  const out = Array.from({ length: n }, () => 0);
  for (let r = n - 1; r >= 0; r--) {
    let value = rows[r]![n]!;
    for (let k = r + 1; k < n; k++) value -= rows[r]![k]! * out[k]!;
    out[r] = value / rows[r]![r]!;
  }
  return out;
}
