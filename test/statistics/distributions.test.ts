import { expect, test } from 'vitest'
import { betaCdf, betaQuantile, normalQuantile, studentQuantile } from '../../src/statistics/distributions.ts'

/** The expected values are SciPy 1.17's. */
const near = (actual: number, expected: number): void => {
  expect(Math.abs(actual / expected - 1)).toBeLessThan(1e-12)
}

test.each([
  [0.975, 1.959963984540054],
  [0.999, 3.090232306167813],
  [0.6, 0.2533471031357997],
  [0.3, -0.5244005127080409],
  [1e-12, -7.034483825301131],
  [1e-20, -9.262340089798409],
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

test('the beta distribution', () => {
  near(betaCdf(0.5, 450, 550), 0.9992279004424143)
  near(betaCdf(0.5, 7, 4), 0.171875)
  near(betaQuantile(0.025, 3, 10), 0.05486064452799272)
  expect([betaCdf(-1, 2, 3), betaCdf(0, 2, 3), betaCdf(1, 2, 3), betaCdf(2, 2, 3)]).toEqual([0, 0, 1, 1])
})
