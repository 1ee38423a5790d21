import { expect, test } from 'vitest'
import { binomialCdf, normalQuantile, studentQuantile } from '../../src/statistics/distributions.ts'

/** The expected values are SciPy 1.17's. */
const near = (actual: number, expected: number): void => {
  expect(Math.abs(actual / expected - 1)).toBeLessThan(1e-12)
}

test.each([
  [0.975, 1.959963984540054],
  [0.999, 3.090232306167813],
  [0.6, 0.2533471031357997],
  [0.3, -0.5244005127080409],
])('the normal quantile of %f', (probability, value) => {
  near(normalQuantile(probability), value)
})

test('the normal quantiles of 0, 1/2 and 1', () => {
  expect([0, 0.5, 1].map(normalQuantile)).toEqual([-Infinity, 0, Infinity])
})

test.each([
  [1, 12.706204736174694, 15.89454484386529],
  [4, 2.7764451051977934, 2.9985278732065854],
  [59, 2.000995378088267, 2.10015283594104],
  [599, 1.9639322489452784, 2.0582309803972385],
  [2999, 1.9607553192053149, 2.0546426065022003],
])("Student's quantiles with %i degrees of freedom", (degrees, at975, at98) => {
  near(studentQuantile(0.975, degrees), at975)
  near(studentQuantile(0.98, degrees), at98)
  near(studentQuantile(0.025, degrees), -at975)
})

test('the binomial distribution', () => {
  near(binomialCdf(450, 1_000, 0.5), 0.000865268042488136)
  near(binomialCdf(3, 10, 0.5), 0.171875)
  expect([binomialCdf(0, 0, 0.5), binomialCdf(10, 10, 0.3), binomialCdf(-1, 10, 0.3)]).toEqual([1, 1, 0])
})
