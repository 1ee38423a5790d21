// An entry of its own, so that bundlers of the main entry do not look for gpt-tokenizer.
export { exactTokenCounter, type Encoding } from './options/exact-tokens.ts'
