/** Seeded random numbers: the same seed gives the same numbers everywhere. */
export class Random {
  #state: number;
  #spare = 0;
  #hasSpare = false;

  /** `seed`: any integer; its lower 32 bits count. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator of its own, drawn from this one: what one part draws does not move the others. */
  fork(): Random {
    return new Random(Math.floor(this.uniform() * 2 ** 32));
  }

  /** Uniform in [0, 1): mulberry32. */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Uniform in the logarithm. */
  logBetween(low: number, high: number): number {
    return low * (high / low) ** this.uniform();
  }

  /** Standard normal: Marsaglia's polar method. */
  normal(): number {
    if (this.#hasSpare) {
      this.#hasSpare = false;
      return this.#spare;
    }
    let u = 0;
    let v = 0;
    let s = 0;
    do {
      u = 2 * this.uniform() - 1;
      v = 2 * this.uniform() - 1;
      s = u * u + v * v;
    } while (s >= 1 || s === 0);
    const scale = Math.sqrt((-2 * Math.log(s)) / s);
    this.#spare = v * scale;
    this.#hasSpare = true;
    return u * scale;
  }

  /** Log-normal with a median and a standard deviation of the logarithm. */
  logNormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal());
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  /** Pareto from 1 on. */
  pareto(alpha: number): number {
    return (1 - this.uniform()) ** (-1 / alpha);
  }

  /** Gamma of mean 1: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000); shape >= 1. */
  gamma(shape: number): number {
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      if (Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return (d * v) / shape;
    }
  }

  /** Poisson: Knuth's product up to a mean of 30, the rounded normal above. */
  poisson(mean: number): number {
    if (mean <= 0) return 0;
    if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const end = Math.exp(-mean);
    let n = -1;
    for (let product = 1; product > end; product *= this.uniform()) n++;
    return n;
  }

  /** Binomial: by inversion while it is small, the rounded normal where that is close. */
  binomial(n: number, p: number): number {
    if (n === 0 || p <= 0) return 0;
    if (p >= 1) return n;
    if (p > 0.5) return n - this.binomial(n, 1 - p);
    const mean = n * p;
    if (mean > 15) {
      const k = Math.round(mean + Math.sqrt(mean * (1 - p)) * this.normal());
      return Math.min(n, Math.max(0, k));
    }
    const odds = p / (1 - p);
    let term = (1 - p) ** n;
    let u = this.uniform();
    let k = 0;
    while (u > term && k < n) {
      u -= term;
      k++;
      term *= (odds * (n - k + 1)) / k;
    }
    return k;
  }
}
