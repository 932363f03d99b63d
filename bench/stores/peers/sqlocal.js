export { SQLocal } from 'sqlocal'
