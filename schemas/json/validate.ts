import { Ajv } from 'ajv'

const ajv = new Ajv()

/** A check of parsed JSON: undefined where it fits, else a clause such as "/s3/object/key must be string". Unknown fields are ignored. */
export function validator(schema: object): (value: unknown) => string | undefined {
  const validate = ajv.compile(schema)
  return value => {
    if (validate(value)) return undefined
    const { instancePath, message } = validate.errors![0]!
    return `${instancePath} ${message}`.trim()
  }
}
