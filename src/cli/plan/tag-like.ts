const TAG_LIKE = /<[\s/]*record/i

/** Whether a text holds what a reader might take for a tag of a pack, however it is spelt, as the stream sees it. */
export function looksTagged(text: string): boolean {
  if (TAG_LIKE.test(text)) return true
  // Plain ASCII has no other spelling.
  if (/^[\t\n\r\x20-\x7e]*$/.test(text)) return false
  const plain = text
    .normalize('NFKC')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?![\t\n\r])\p{Cc}/gu, '')
    .replace(/[\u2044\u2215]/g, '/')
  return TAG_LIKE.test(plain)
}
