/** The package has no types. These functions are used here and in tests. */
declare module '@stdlib/dist-stats-base-dists-flat' {
  interface Distributions {
    readonly normal: { quantile(probability: number, mean: number, deviation: number): number }
    readonly t: { quantile(probability: number, degrees: number): number }
    readonly binomial: { cdf(successes: number, trials: number, share: number): number }
    readonly beta: { quantile(probability: number, a: number, b: number): number }
  }
  const stdlib: { readonly base: { readonly dists: Distributions } }
  export default stdlib
}
